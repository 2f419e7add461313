"""All steps of the guide: what holds for each of them, and the whole list for a bare host."""

import re
import subprocess

import pytest

from deployer.engine.changes import Script
from deployer.engine.facts import Answer, Ask, Facts, Unknown
from deployer.engine.plan import SurveyResult, asked_of_host, asked_of_names, name_of, plan
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.steps import GUIDE, UPDATE, latest_commit, network
from tests.support.fakes import SILENT, inventory, planned, texts, whys

from .hosts import converged, fresh

HOSTS = {
    "letsencrypt": inventory(),
    "self-signed": inventory(tls={"mode": "self-signed"}),
    "distribution's Docker": inventory(docker={"packages": "distribution"}),
    "three replicas": inventory(backend={"replicas": 3}),
    "other name": inventory(
        name="other-app", root="/srv/other", site={"domain": "a.example.org", "email": "a@example.org"}
    ),
    "off-site copies": inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "sftp:user@host:/path"}),
    "PostgreSQL": inventory(postgres={"enabled": True}),
    "this machine": inventory(
        ssh={"address": "local"}, site={"domain": "example.com", "email": "a@example.com", "address": "203.0.113.10"}
    ),
}
STEPS = (*GUIDE, *UPDATE)
each_step = pytest.mark.parametrize("step", STEPS, ids=name_of)
each_host = pytest.mark.parametrize("host", HOSTS.values(), ids=list(HOSTS))


@each_step
@each_host
def test_converged_host(step: Step, host: Inventory) -> None:
    """Where all is as it shall be there is nothing to do and nothing to say."""
    assert planned(step, host, converged(step, host)) == ()


@each_step
def test_hosts_answer_what_is_asked(step: Step) -> None:
    """The hosts of these tests answer each question of the step and no other."""
    host = inventory()
    asked = set(step.probes(host))
    assert set(converged(step, host)) == asked
    assert set(fresh(step, host)) == asked


@each_step
def test_silent_host_is_unknown(step: Step) -> None:
    """A host that can tell nothing is not planned for: no change, no stop."""
    host = inventory()
    with pytest.raises(Unknown):
        tuple(step.plan(host, Facts(dict.fromkeys(step.probes(host), SILENT))))


@each_step
def test_one_silent_fact_never_means_absent(step: Step) -> None:
    """On a host where nothing differs, a fact that cannot be told makes the step unknown or changes nothing."""
    host = inventory()
    for key in (key for key, probe in step.probes(host).items() if isinstance(probe, Ask)):
        answers: dict[str, Answer | str] = {**converged(step, host), key: SILENT}
        try:
            found = planned(step, host, answers)
        except Unknown:
            continue
        assert whys(found) == [], f"{key} is taken for absent"


def test_plan_is_pure() -> None:
    """The same facts give the same plan: nothing in it is made up on the way (a key, a time)."""
    host = inventory()
    for step in (step for step in STEPS if step is not latest_commit):
        assert planned(step, host, fresh(step, host)) == planned(step, host, fresh(step, host))


def test_fresh_host() -> None:
    """A bare Debian 13 with Let's Encrypt: everything, in the guide's order."""
    host = inventory()
    found = [why for step in GUIDE for why in whys(planned(step, host, fresh(step, host)))]
    root, nginx = "/opt/biometric-did", "/opt/biometric-did/nginx"
    docker = f"{root}/.deployer/docker"
    assert found == [
        "install cron, curl, git, logrotate, openssl, python3, ufw, zstd, certbot",
        f"create {root} (0755)",
        f"create {root}/.deployer (0755)",
        f"write {root}/.deployer/remote.pyz (absent), {root}/.deployer/remote.json (absent)",
        "fetch Docker's signing key from https://download.docker.com/linux/debian/gpg",
        "write /etc/apt/sources.list.d/docker.list",
        "install docker-ce, docker-ce-cli, containerd.io, docker-buildx-plugin, docker-compose-plugin",
        "write /etc/docker/daemon.json",
        "restart Docker with its new configuration",
        "add deploy to the group docker",
        "pull nginx:alpine, and check that Docker runs it and that it is nginx 1.27.4 or later",
        "create the network biometric-did-network (172.30.77.0/24)",
        "clone https://github.com/FractionEstate/decentralized-did.git at main",
        f"create {root}/logs (0755)",
        f"create {root}/data (0755)",
        f"create {nginx} (0755)",
        f"create {nginx}/conf.d (0755)",
        f"create {nginx}/ssl (0700)",
        f"create {nginx}/logs (0755)",
        f"create {root}/.deployer/acme (0755)",
        f"create {root}/.deployer/tls (0700)",
        f"create {root}/.deployer/docker (0755)",
        f"write {root}/.env (missing; its secrets are generated on the host)",
        f"write {root}/docker-compose.yml (absent)",
        f"write {nginx}/conf.d/biometric-did.upstreams (absent)",
        f"write {nginx}/nginx.conf (absent), {nginx}/conf.d/biometric-did.conf (absent)",
        f"write {root}/.deployer/bin/renew (absent)",
        "mask certbot.timer (this tool renews, with the CA's settings)",
        "install a placeholder certificate, so that nginx can start and answer the CA",
        "start the proxy",
        "obtain a certificate for example.com, api.example.com from https://acme-v02.api.letsencrypt.org/directory",
        "allow 22/tcp through the firewall",
        "allow 80/tcp through the firewall",
        "allow 443/tcp through the firewall",
        "enable the firewall, for 120 s unless a second login succeeds",
        "log in a second time, then keep the firewall on",
        f"write {docker}/Dockerfile.backend (absent), {docker}/Dockerfile.backend.dockerignore (absent), "
        f"{docker}/Dockerfile.wallet (absent), {docker}/wallet.conf (absent)",
        "build the image biometric-did-backend",
        "build the image biometric-did-wallet",
        f"make the user of the backend's image the owner of {root}/logs and {root}/data",
        "start backend-api and wait until it is healthy; start demo-wallet and wait until it is healthy",
        "record the release, and remove those beyond releases.retain",
        "create /backups/biometric-did (0700)",
        f"write {root}/.deployer/bin/backup (absent), {root}/.deployer/bin/drill (absent), "
        f"{root}/.deployer/drill.yml (absent), {root}/.deployer/bin/recover (absent)",
        "write /etc/logrotate.d/biometric-did (absent), /etc/cron.d/biometric-did (absent)",
    ]


def test_fresh_host_has_nothing_to_complain_of() -> None:
    """A server as the guide asks for is no reason for a note."""
    host = inventory()
    assert [text for step in GUIDE for text in texts(planned(step, host, fresh(step, host)))] == []


@each_host
def test_questions_are_bash(host: Inventory) -> None:
    """Each question can be read by bash."""
    asked = asked_of_host(host, STEPS)
    text = "\n".join(f"question_{number}() {{\n{ask.script}\n}}" for number, ask in enumerate(asked))
    read = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def test_questions_only_read() -> None:
    """No question holds a command that writes."""
    writing = re.compile(r"\b(rm|mv|cp|mkdir|touch|tee|install|chmod|chown|ln|truncate|apt-get|sed -i)\b ")
    for ask in asked_of_host(inventory(), STEPS):
        commands = re.sub(r"'[^']*'", "", ask.script)
        assert not writing.search(commands), ask.script
        assert not re.search(r"(?<!<)(?<!2)>+ *(?!/dev/null|&|\()\S", commands.replace("->", "")), ask.script


def test_name_servers_are_asked_for_every_name() -> None:
    """All names of the certificate, and how the host itself is reached."""
    names = [question.name for question in asked_of_names(inventory(), STEPS)]
    assert names == ["example.com", "api.example.com", "203.0.113.10"]


def test_changes_hold_no_secret_in_a_script() -> None:
    """What the operator supplied travels as a payload only."""
    secret = "an-operators-own-secret-of-some-length"
    host = inventory({"DB_PASSWORD": secret})
    for step in (step for step in STEPS if step is not latest_commit):
        for change in planned(step, host, fresh(step, host)):
            assert secret not in repr(change)
            assert not isinstance(change, Script) or secret not in change.script


def test_plan_of_known() -> None:
    """`plan` turns what a step raises into words: unknown, or problems; notes are kept apart from changes."""
    host, step = inventory(), network
    asked = {probe: Answer("") for probe in step.probes(host).values() if isinstance(probe, Ask)}
    assert [change.why for change in plan(step, host, SurveyResult(asked, {})).changes] == [
        "create the network biometric-did-network (172.30.77.0/24)"
    ]
    silent = dict.fromkeys(asked, SILENT)
    assert plan(step, host, SurveyResult(silent, {})).unknown == SILENT.error
    other = {**asked, next(iter(asked)): Answer("overlay 10.0.0.0/8")}
    assert len(plan(step, host, SurveyResult(other, {})).problems) == 1
