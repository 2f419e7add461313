"""Refused with one clear message, the right exit code and nothing changed; a later failure harms nothing."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from testbed.bed import Bed
from testbed.digest import digest
from testbed.origin import Repository, publish
from testbed.shell import wait_for
from testbed.variants import Variant
from tests.host.conftest import APPLICATION, Boot
from tests.support.tool import Deployment, Outcome, booted, deployment, touched
from tests.support.visitor import Visitor
from tests.unit.verify.naming import name_server

pytestmark = pytest.mark.in_turn

ROOT = "/opt/biometric-did"
DOMAIN, API = "wallet.example.test", "api.wallet.example.test"
PASSWORD = "right-4711"


def refused(deployed: Deployment, exit_code: int, *said: str, command: tuple[str, ...] = ("provision",)) -> Outcome:
    """Run for people and for programs: one message with a remedy, the exit code, no traceback; give the second run."""
    text, told = deployed.run(*command), deployed.json(*command)
    for outcome in (text, told):
        assert outcome.exit_code == exit_code, f"exit {outcome.exit_code}\n{outcome.out}\n{outcome.err}"
        assert not [line for line in outcome.err.splitlines() if line.startswith("Traceback")], outcome.err
    headlines = [line for line in text.err.splitlines() if line.startswith("error")]
    assert len(headlines) == 1, text.err
    assert "\n→ " in text.err, text.err
    errors = [event for event in told.events if event["event"] == "error"]
    assert len(errors) == 1, told.out
    assert errors[0]["remedy"], errors
    assert errors[0]["exit_code"] == exit_code
    assert (told.recap["event"], told.recap["exit_code"]) == ("recap", exit_code), told.out
    for words in said:
        assert words in text.err, f"{words!r} is not in\n{text.err}"
        assert words in f"{errors[0]['message']}\n{errors[0]['remedy']}\n{errors[0]['context']}", errors
    return told


def rewrite(deployed: Deployment, old: str, new: str) -> None:
    """Put other text into the inventory; what it replaces has to be there."""
    file = deployed.inventory / "web.toml"
    text = file.read_text()
    assert old in text, text
    file.write_text(text.replace(old, new, 1))


# -- before anything is done ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a host: how it is brought about, and undone; what is said. `environ` is the operator's."""

    exit_code: int
    said: tuple[str, ...]
    wrong: str
    right: str
    password: str = ""


LISTEN = "import socket, signal; s = socket.socket(); s.bind(('', 80)); s.listen(); signal.pause()"

HOSTS = {
    "no sudo right": Refusal(
        3,
        ("deploy is not in the sudoers file", "deployer bootstrap --host web"),
        "mv /etc/sudoers.d/90-vendor /root",
        "mv /root/90-vendor /etc/sudoers.d",
        password=PASSWORD,
    ),
    "sudo wants a password and there is none": Refusal(
        3,
        ("deploy may not run sudo without a password", "DEPLOYER_SUDO_PASSWORD"),
        "sed -i 's/NOPASSWD: //' /etc/sudoers.d/90-vendor",
        "sed -i 's/ ALL$/ NOPASSWD: ALL/' /etc/sudoers.d/90-vendor",
    ),
    "wrong sudo password": Refusal(
        3,
        ("does not accept the password of deploy", "DEPLOYER_SUDO_PASSWORD"),
        "sed -i 's/NOPASSWD: //' /etc/sudoers.d/90-vendor",
        "sed -i 's/ ALL$/ NOPASSWD: ALL/' /etc/sudoers.d/90-vendor",
        password="wrong-0815",
    ),
    "sudo is not installed": Refusal(
        3,
        ("sudo is not installed", "deployer bootstrap --host web"),
        "mv /usr/bin/sudo /usr/bin/sudo.away",
        "mv /usr/bin/sudo.away /usr/bin/sudo",
    ),
    "unsupported system": Refusal(
        1,
        ("Debian GNU/Linux 10 (buster) is not supported", "Ubuntu 24.04"),
        'cp /usr/lib/os-release /root; sed -i \'s/^VERSION_ID=.*/VERSION_ID="10"/; '
        's/^PRETTY_NAME=.*/PRETTY_NAME="Debian GNU\\/Linux 10 (buster)"/\' /usr/lib/os-release',
        "mv /root/os-release /usr/lib/os-release",
    ),
    "port 80 is taken": Refusal(
        1,
        ("port 80 is in use by python3", "systemctl disable --now"),
        f'systemd-run --quiet --unit=other-server python3 -c "{LISTEN}"; '
        "timeout 10 bash -c 'until ss -Hltn \"( sport = :80 )\" | grep -q .; do sleep 0.05; done'",
        "systemctl stop other-server",
    ),
    "two things at once": Refusal(
        1,
        ("port 80 is in use by python3", "is not supported"),
        f'systemd-run --quiet --unit=other-server python3 -c "{LISTEN}"; '
        "timeout 10 bash -c 'until ss -Hltn \"( sport = :80 )\" | grep -q .; do sleep 0.05; done'; "
        "cp /usr/lib/os-release /root; sed -i 's/^VERSION_ID=.*/VERSION_ID=\"10\"/' /usr/lib/os-release",
        "systemctl stop other-server; mv /root/os-release /usr/lib/os-release",
    ),
}


@pytest.fixture(scope="module")
def untouched(bed: Bed, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One fresh host that is refused again and again: what each test does to it, it undoes."""
    with booted(bed, "untouched", Variant(user_password=PASSWORD)) as host:
        yield deployment(tmp_path_factory.mktemp("untouched"), host, bed, repository)


@pytest.fixture
def own(untouched: Deployment, bed: Bed, repository: Repository, tmp_path: Path) -> Deployment:
    """The same host with an inventory of the test's own."""
    return deployment(tmp_path / "inventory", untouched.host, bed, repository)


@pytest.mark.full
@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_is_not_as_it_has_to_be(own: Deployment, name: str) -> None:
    """What is wrong with the host is named with what mends it, by a run and by a dry run, and nothing is written."""
    refusal = HOSTS[name]
    deployed = replace(own, environ={"DEPLOYER_SUDO_PASSWORD": refusal.password} if refusal.password else {})
    deployed.host.exec(refusal.wrong)
    try:
        before = digest(deployed.host)
        refused(deployed, refusal.exit_code, *refusal.said)
        assert deployed.json("provision", "--dry-run").exit_code == refusal.exit_code
        assert touched(before, digest(deployed.host)) == []
    finally:
        deployed.host.exec(refusal.right)


def test_host_keys_and_keys(own: Deployment, tmp_path: Path) -> None:
    """An unknown and a changed host key are shown by their fingerprints; a key that opens nothing is named."""
    before = digest(own.host)
    shown = own.host.exec("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    known = own.inventory / "known_hosts"
    known.write_text("")
    refused(own, 3, "host key", "is unknown", shown, f"deployer trust --host web --fingerprint {shown}")

    other_key = new_key(tmp_path / "other")
    public = paramiko.Ed25519Key.from_private_key_file(str(other_key))
    known.write_text(f"{own.host.address} {public.get_name()} {public.get_base64()}\n")
    refused(own, 3, "has CHANGED", shown, str(public.fingerprint), "deployer trust --host web")
    known.write_text(own.host.known_hosts_line)

    rewrite(own, str(own.host.identity_file), str(other_key))
    refused(own, 3, "does not let deploy log in", str(other_key), "authorized_keys")
    assert touched(before, digest(own.host)) == []


def new_key(path: Path) -> Path:
    """A private key that nobody has heard of."""
    private = Ed25519PrivateKey.generate()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    return path


def test_dns_that_points_elsewhere(own: Deployment) -> None:
    """With Let's Encrypt a name that leads elsewhere, to IPv6 or nowhere is refused before the CA is asked."""
    before = digest(own.host)
    zone: dict[tuple[str, str], list[str] | None] = {
        (DOMAIN, "A"): ["203.0.113.77"],
        (API, "A"): [own.host.address],
        (API, "AAAA"): ["2001:db8::7"],
    }
    rewrite(own, 'mode = "self-signed"', 'mode = "letsencrypt"')
    with name_server(zone) as server:
        site = f'domain = "{DOMAIN}"\nemail = "a@example.com"\naliases = ["nowhere.example.test"]'
        rewrite(own, f'domain = "{DOMAIN}"', f'{site}\nnameservers = ["{server}"]')
        refused(
            own,
            1,
            f"{DOMAIN} resolves to 203.0.113.77, which is not this host",
            f"{API} has the IPv6 address 2001:db8::7, but this host does not serve IPv6",
            "nowhere.example.test does not resolve",
            f"point the A record of {DOMAIN} to this host",
        )
    assert touched(before, digest(own.host)) == []


def test_a_disk_that_is_full(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path) -> None:
    """Too little room is said with the amount before anything is installed."""
    small = deployment(tmp_path / "inventory", boot("small", Variant(free_megabytes=700)), bed, repository)
    before = digest(small.host)
    refused(small, 1, "MiB free; at least 2048 MiB are required", "free space on /")
    assert touched(before, digest(small.host)) == []


# -- the inventory: before any connection ----------------------------------------------------------------------------


@pytest.fixture
def listening(bed: Bed, own: Deployment) -> Iterator[tuple[Deployment, Callable[[], bool]]]:
    """An inventory whose host is a bare listener, and the question whether anybody has connected to it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        rewrite(own, f'address = "{own.host.address}"\nport = 22', f'address = "127.0.0.1"\n{port_of(listener)}')

        def called() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield own, called


def port_of(listener: socket.socket) -> str:
    return f"port = {listener.getsockname()[1]}"


HOSTILE = (" ", "'", '"', "$(id)", "`id`", ";", "\n", "\\", "${PATH}")
TEXTS = {
    "name": "good",
    "root": "/opt/good",
    "ssh.user": "good",
    "ssh.address": "good.example.com",
    "ssh.gateway": "good@good.example.com",
    "site.domain": "good.example.com",
    "site.api_domain": "api.good.example.com",
    "site.email": "good@example.com",
    "source.repository": "https://example.com/good.git",
    "source.ref": "good",
    "tls.acme_server": "https://example.com/good",
    "docker.apt_repository": "https://example.com/good",
    "backend.context": "good",
    "backend.dockerfile": "good",
    "backend.target": "good",
    "backend.health_path": "/good",
    "backend.data_dir": "/good",
    "backend.log_dir": "/better",
    "backend.working_dir": "/good",
    "backend.memory": "1G",
    "backend.cpus": "1",
    "wallet.context": "good",
    "wallet.output_dir": "good",
    "wallet.api_url_variable": "GOOD",
    "nginx.image": "nginx:alpine",
    "nginx.rate_limit": "10r/s",
    "backup.directory": "/good",
    "backup.schedule": "0 2 * * *",
}
"""Keys, and a beginning for each that is right in itself."""


def test_mistakes_are_told_all_at_once_before_any_connection(
    listening: tuple[Deployment, Callable[[], bool]],
) -> None:
    """Ten mistakes make ten lines, each with its key; an unknown key says what was meant; nobody is called."""
    deployed, called = listening
    file = deployed.inventory / "web.toml"
    text = file.read_text().replace(f'domain = "{DOMAIN}"', 'domian = "two words.example.com"')
    mistakes = (
        'name = "Not A Name"\n'
        + text
        + '\n[backend]\nport = "8000"\nhealth_path = "health"\nreplicas = 0\nmemory = "much"\n'
        + '[backup]\nkeep_dayz = 7\nschedule = "daily"\n[firewal]\nallow = []\n'
        + '[releases]\nretain = "all"\n'
    )
    file.write_text(mistakes)
    keys: tuple[str, ...] = (
        "name",
        "site.domian",
        "site.domain",
        "backend.port",
        "backend.health_path",
        "backend.replicas",
    )
    keys += ("backend.memory", "backup.keep_dayz", "backup.schedule", "firewal", "releases.retain")
    near = ("did you mean `domain`?", "did you mean `keep_days`?", "did you mean `firewall`?")
    told = refused(deployed, 2, *(f": {key}: " for key in keys), *near)
    (message,) = (str(event["message"]) for event in told.events if event["event"] == "error")
    assert len(message.splitlines()) == len(keys)
    assert not called()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_would_break_out_of_its_place_is_refused(
    listening: tuple[Deployment, Callable[[], bool]], hostile: str
) -> None:
    """A space, quote, dollar, backtick, semicolon, newline or backslash in any text is refused before any call."""
    deployed, called = listening
    file = deployed.inventory / "web.toml"
    text = file.read_text()
    for key, beginning in TEXTS.items():
        text = with_key(text, key, json.dumps(f"{beginning}{hostile}"))
    file.write_text(text)
    outcome = deployed.json("provision")
    assert (outcome.exit_code, outcome.recap["exit_code"]) == (2, 2), outcome.out
    (message,) = (str(event["message"]) for event in outcome.events if event["event"] == "error")
    lines = message.splitlines()
    assert [key for key in TEXTS if not any(f": {key}: " in line for line in lines)] == []
    assert not called()


def with_key(text: str, key: str, value: str) -> str:
    """An inventory's text with one key of a table set to this value, instead of what it had."""
    table, _, word = key.rpartition(".")
    if not table:
        return f"{word} = {value}\n{text}"
    if f"[{table}]\n" not in text:
        return f"{text}\n[{table}]\n{word} = {value}\n"
    head, _, rest = text.partition(f"[{table}]\n")
    own, bracket, others = rest.partition("\n[")
    kept = "\n".join(line for line in own.splitlines() if not line.startswith(f"{word} ="))
    return f"{head}[{table}]\n{word} = {value}\n{kept}{bracket}{others}"


# -- later: what was done is said, and what served serves -------------------------------------------------------------


@pytest.fixture(scope="module")
def broken(bed: Bed) -> Iterator[Repository]:
    """The application with releases that do not work, a branch each."""
    made = publish("application-broken", APPLICATION)
    made.branch("dockerfile")
    made.commit({"Dockerfile.backend": "FROM python:3.11-slim\nRUN echo about to fail && cat /no/such/file\n"})
    made.switch("main")
    made.branch("crash")
    made.commit({"release.json": json.dumps({"version": "2", "break": "import"})})
    yield made


@pytest.fixture
def unreleased(provisioned: Deployment) -> Deployment:
    """A host on which everything is done but the release: as a first provision that got that far."""
    images = "docker images -q 'biometric-did-*' | sort -u | xargs docker rmi -f"
    recorded = f"{ROOT}/.deployer/releases {ROOT}/.deployer/releases.jsonl {ROOT}/nginx/assets"
    provisioned.host.exec(f"docker rm -f $(docker ps -aq); rm -rf {ROOT}/src {recorded}; {images}")
    return provisioned


def test_a_first_release_that_fails_says_why_and_can_be_mended(
    unreleased: Deployment, broken: Repository, repository: Repository
) -> None:
    """A repository or ref that is not there, a build and a container that fail: exit 1 with the last words.

    Nothing served before, so nothing is claimed to serve. A run with the right inventory then succeeds.
    """
    deployed = unreleased
    missing = repository.url.replace("application", "nowhere")
    rewrite(deployed, repository.url, missing)
    told = refused(deployed, 1, f"clone {missing} at main: failed", "fix the error above", "not found")
    assert told.steps["source"]["verdict"] == "failed"
    assert deployed.host.exec(f"ls -d {ROOT}/src*", check=False).stdout == ""

    rewrite(deployed, missing, broken.url)
    rewrite(deployed, "[source]", '[source]\nref = "no-such-branch"')
    refused(deployed, 1, "the repository has no branch, tag or commit no-such-branch", "fix the error above")

    rewrite(deployed, "no-such-branch", "dockerfile")
    told = refused(deployed, 1, "build the image biometric-did-backend: ", "/no/such/file", "fix the error above")
    assert told.steps["images"]["verdict"] == "failed"
    assert "still serving" not in told.out

    rewrite(deployed, '"dockerfile"', '"crash"')
    told = refused(
        deployed,
        1,
        "start backend-api and wait until it is healthy; start demo-wallet and wait until it is healthy: ",
        "does not keep running. The last lines of its log",
        "biometrics_moved_elsewhere",
        "fix the error above",
    )
    assert "still serving" not in told.out
    assert "backend-api" not in deployed.host.exec("docker ps -a --format '{{.Names}}'").stdout

    rewrite(deployed, '"crash"', '"main"')
    assert deployed.ok("provision").steps["verify"]["verdict"] == "unchanged"
    assert deployed.ok("provision").recap["changed"] == 0


class Visits:
    """Somebody who asks the API for its instance, over and over, until told to stop."""

    def __init__(self, deployed: Deployment, authority: Path) -> None:
        authority.write_text(deployed.host.exec(f"cat {ROOT}/nginx/ssl/fullchain.pem").stdout)
        self._visitor = Visitor(deployed.host.address, authority)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self.answered: list[str] = []
        self.failed: list[str] = []

    def ask(self, path: str) -> dict[str, str]:
        seen = self._visitor.ask(API, path)
        assert seen.status == 200, seen
        answer = json.loads(seen.body)
        assert isinstance(answer, dict)
        return answer

    def __enter__(self) -> "Visits":
        wait_for(self._is_served, "the site", seconds=60)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _is_served(self) -> bool | None:
        try:
            return bool(self.ask("/api/instance"))
        except (AssertionError, OSError):
            return None

    def _visit(self) -> None:
        while not self._over.wait(0.05):
            try:
                self.answered.append(self.ask("/api/instance")["container"])
            except (AssertionError, OSError) as error:
                self.failed.append(repr(error))


@dataclass(frozen=True)
class Sick:
    """A run that is going on, with a release that never gets healthy, and the visits that go on meanwhile."""

    deployed: Deployment
    process: "Popen[str]"
    visits: Visits
    former: str


@pytest.fixture(scope="module")
def sick(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sick]:
    """Started first and looked at last: such a run waits two minutes for the container's health."""
    place = tmp_path_factory.mktemp("sick")
    with ExitStack() as stack:
        host = stack.enter_context(booted(bed, "sick", from_snapshot=provisioned_snapshot))
        deployed = deployment(place, host, bed, repository, extra='[environment]\nFIXTURE_BREAK = "never_healthy"')
        visits = stack.enter_context(Visits(deployed, place / "authority.pem"))
        former = visits.ask("/api/instance")["container"]
        process = stack.enter_context(ended(deployed.start("provision", "--json")))
        yield Sick(deployed, process, visits, former)


@contextmanager
def ended(process: "Popen[str]") -> Iterator["Popen[str]"]:
    """A process that does not outlive the test."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module", autouse=True)
def _started_first(sick: Sick) -> None:
    """See `sick`."""


def test_a_build_that_fails_leaves_what_serves(provisioned: Deployment, tmp_path: Path) -> None:
    """On a provisioned host a build that cannot work ends with exit 1; the containers are the same as before."""
    asked = "docker ps --no-trunc --format '{{.ID}} {{.Names}}'"
    before = provisioned.host.exec(asked).stdout
    with Visits(provisioned, tmp_path / "authority.pem") as visits:
        good = (provisioned.inventory / "web.toml").read_text()
        (provisioned.inventory / "web.toml").write_text(f'{good}\n[backend]\ntarget = "no-such-stage"\n')
        refused(provisioned, 1, "build the image biometric-did-backend: ", "no-such-stage", "fix the error above")
    assert visits.answered
    assert not visits.failed
    assert provisioned.host.exec(asked).stdout == before
    (provisioned.inventory / "web.toml").write_text(good)
    assert provisioned.ok("provision").recap["changed"] == 0


AWKWARD = (
    "it's", '"quoted"', "'single'", "a b  c", " leading and trailing ", "#no comment", "a #b", "$HOME", "${HOME}",
    "$$", "$(id)", "`id`", "a\\b", "\\n", "\\\\server", "tab\there", "a=b=c", "ünï→漢字🙂", "!history", "%s %d",
    "a;b&c|d<e>f", "*?[a]{b,c}", "~root", "", "-n", "{{.Name}}", "{% raw %}", "a,b", "'", '"', "''", "$", "#",
    "export A=b", "C:\\dir\\file", "\\$HOME", "\\\"", "end$", "null", "yes", "0123", "[secret]", "a: b", "&anchor",
)  # fmt: skip


def test_awkward_values_of_the_environment_arrive_byte_for_byte(provisioned: Deployment, tmp_path: Path) -> None:
    """Quotes, dollars, hashes, spaces, backslashes, Unicode: the application sees exactly what the inventory says."""
    wanted = {f"AWKWARD_{number}": value for number, value in enumerate(AWKWARD)}
    table = {**wanted, "FIXTURE_SHOW": ",".join(wanted)}
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items())
    file = provisioned.inventory / "web.toml"
    file.write_text(file.read_text() + "\n[environment]\n" + "\n".join(lines) + "\n")
    with Visits(provisioned, tmp_path / "authority.pem") as visits:
        done = provisioned.ok("provision")
        assert visits.ask("/api/settings") == wanted
    assert not visits.failed
    assert done.whys("changed")[0].startswith("environment: write")
    assert provisioned.ok("provision").recap["changed"] == 0


def test_a_release_that_never_gets_healthy_leaves_the_former_serving(sick: Sick) -> None:
    """Exit 4 with the container's last words; every visitor was served by the old container, all the time."""
    out, err = sick.process.communicate(timeout=300)
    told = Outcome(sick.process.returncode, out, err)
    assert told.exit_code == 4, out + err
    (error,) = (event for event in told.events if event["event"] == "error")
    assert "the previous release is still serving" in str(error["message"])
    assert "is not healthy after" in str(error["context"])
    assert "GET /health" in str(error["context"])
    assert error["remedy"]
    assert told.recap["exit_code"] == 4
    rewrite(sick.deployed, '[environment]\nFIXTURE_BREAK = "never_healthy"', "")
    again = sick.deployed.ok("provision")
    assert not any(why.startswith("containers:") and "backend" in why for why in again.whys("changed"))
    assert len(sick.visits.answered) > 100
    assert sick.visits.failed == []
    assert set(sick.visits.answered) == {sick.former}
