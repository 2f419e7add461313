"""Images: built on the host at low priority, refused without room, built on the operator's machine, pulled."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.digest import digest
from testbed.host import TestHost
from testbed.origin import Repository, publish
from tests.host.conftest import APPLICATION, Boot
from tests.support.releasing import ROOT, Updated, visitor_of
from tests.support.tool import Deployment, Outcome, booted, deployment, touched
from tests.support.workshop import workshop

pytestmark = pytest.mark.in_turn

OPERATOR = 'where = "operator"'
OURS = "docker image ls --format '{{.Repository}}:{{.Tag}}' --filter 'reference=biometric-did-*:*'"
NAMES = ("biometric-did-backend", "biometric-did-wallet")
SLICE = "deployerbuild.slice"


@pytest.fixture
def own_repository(tmp_path: Path) -> Repository:
    return publish(f"build-{tmp_path.name}", APPLICATION)


@pytest.fixture(scope="module")
def operator(bed: Bed, provisioned_snapshot: str) -> Iterator[Mapping[str, str]]:
    with booted(bed, "workshop", from_snapshot=provisioned_snapshot) as host, workshop(host) as environ:
        yield environ


@pytest.fixture
def site(boot: Boot, bed: Bed, tmp_path: Path, own_repository: Repository, provisioned_snapshot: str) -> Updated:
    """A host that was provisioned, with a repository that has the commit which runs there."""
    host = boot("built", from_snapshot=provisioned_snapshot)
    made = deployment(tmp_path / "inventory", host, bed, own_repository, releases="settle = 1")
    return Updated(made, own_repository, visitor_of(made, tmp_path))


def built_elsewhere(site: Updated, operator: Mapping[str, str]) -> Updated:
    file = site.deployment.inventory / "web.toml"
    file.write_text(f"{file.read_text()}\n[build]\n{OPERATOR}\n")
    return replace(site, deployment=replace(site.deployment, environ=operator))


def await_true(question: Callable[[], object], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def sent(outcome: Outcome) -> tuple[int, int, int]:
    """Bytes, layers sent, layers in all."""
    (event,) = [event for event in outcome.events if event["event"] == "sent"]
    print(f"\nsent: {event}")
    return int(str(event["bytes"])), int(str(event["layers"])), int(str(event["of"]))


def last_release(host: TestHost) -> dict[str, dict[str, str]]:
    line = host.exec(f"tail -n 1 {ROOT}/.deployer/releases.jsonl").stdout
    return json.loads(line)  # type: ignore[no-any-return]


# -- built on the operator's machine -----------------------------------------------------------------------------------


def test_built_on_the_operators_machine(
    boot: Boot, bed: Bed, tmp_path: Path, own_repository: Repository, operator: Mapping[str, str]
) -> None:
    """A fresh host; the stream is cut twice, nothing is left of it; the third try serves. An update sends little."""
    host = boot()
    tables = {"build": OPERATOR, "releases": "settle = 1"}
    made = replace(deployment(tmp_path / "inventory", host, bed, own_repository, **tables), environ=operator)
    for how, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        cut_while_sending(made, how, code)
        assert host.exec(OURS).stdout == ""

    first, layers, of = sent(made.ok("provision"))
    assert 0 < layers < of, "the proxy's layers, upon which the wallet is built, were there"
    assert first > 20_000_000
    updated = Updated(made, own_repository, visitor_of(made, tmp_path))
    assert updated.version == "1"
    assert "Build Cache 0\n" in host.exec("docker system df --format '{{.Type}} {{.TotalCount}}'").stdout
    assert set(host.exec("docker image ls --format '{{.Repository}}'").stdout.split()) == {"nginx", *NAMES}

    commit = updated.commit("2")
    second, layers, of = sent(updated.update())
    assert second < first * 0.05, f"{second} of {first} bytes"
    assert 0 < layers < of / 2
    assert updated.version == "2"
    label = "docker image inspect --format '{{index .Config.Labels \"deployer.commit\"}}' biometric-did-wallet:current"
    assert host.exec(label).stdout.strip() == commit
    assert "unproved" not in host.exec(OURS).stdout
    assert made.ok("provision", "--no-verify").recap["round_trips"] == 1
    assert updated.left_over == {}


def cut_while_sending(made: Deployment, how: signal.Signals, code: int) -> None:
    """End the tool while the host is being sent to, and wait until the host has noticed."""
    host = made.host
    process = made.start("provision", "--json")
    loads = "pgrep -fx 'docker load --quiet' || true"
    await_true(lambda: process.poll() is not None or host.exec(loads).stdout, "nothing was sent")
    time.sleep(1)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, f"{out}\n{err}"
    await_true(lambda: not host.exec(loads).stdout, "the host goes on waiting for the rest", 60)


def test_secrets_are_searched_for_on_the_host(site: Updated, operator: Mapping[str, str]) -> None:
    """A wallet that holds a secret of the host's .env, or another API's address, gets no name; what served serves."""
    elsewhere = built_elsewhere(site, operator)
    host = site.deployment.host
    before = host.exec(OURS).stdout
    secret = host.exec(f"sed -n 's/^API_SECRET_KEY=//p' {ROOT}/.env").stdout.strip().strip("'\"")
    assert len(secret) >= 32
    script = (APPLICATION / "demo-wallet/src/app.js").read_text()
    elsewhere.commit("2", **{"demo-wallet/src/app.js": f"{script}\nconsole.log('{secret}')\n"})
    refused = elsewhere.deployment.json("update")
    assert refused.exit_code == 1
    assert "the wallet's public files contain a secret" in refused.out
    assert secret not in refused.out + refused.err
    after = set(host.exec(OURS).stdout.split()) - set(before.split())
    assert not [name for name in after if "wallet" in name or "unproved" in name]
    assert site.version == "1"


def test_an_operator_who_cannot_build(site: Updated, tmp_path: Path) -> None:
    """Without buildx, or without Docker: exit 2 with the remedy, before anything is changed; also in a dry run."""
    site.commit("2")
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "DOCKER_CONFIG": str(tmp_path)}
    elsewhere = built_elsewhere(site, nowhere)
    before = digest(site.deployment.host)
    for words in (("update", "--dry-run"), ("update",)):
        refused = elsewhere.deployment.json(*words)
        assert refused.exit_code == 2
        assert "Docker does not answer on this machine" in refused.out
        assert "install Docker with its buildx plug-in" in refused.out
    assert touched(before, digest(site.deployment.host)) == []


# -- pulled ------------------------------------------------------------------------------------------------------------


def test_pulled_by_digest(site: Updated, boot: Boot, bed: Bed, tmp_path: Path) -> None:
    """A fresh host builds nothing: the backend is pulled by its digest, the wallet by the commit; both are recorded."""
    names = {kind: f"{bed.registry.name}/{tmp_path.name}/{kind}" for kind in ("backend", "wallet")}
    digests = {kind: push(site.deployment.host, kind, name, site.repository.head) for kind, name in names.items()}
    tables = {
        "build": 'where = "registry"',
        "backend": f'image = "{names["backend"]}@{digests["backend"]}"',
        "wallet": f'image = "{names["wallet"]}"\noutput_dir = "build"',
    }
    pulled = deployment(tmp_path / "pulled", boot("pulled"), bed, site.repository, **tables)
    done = pulled.ok("provision")
    assert f"pull {names['backend']}@{digests['backend']}" in str(done.whys("changed"))
    assert f"pull {names['wallet']}:{site.repository.head}" in str(done.whys("changed"))
    assert last_release(pulled.host)["images"] == {
        "backend-api": f"{names['backend']}@{digests['backend']}",
        "demo-wallet": f"{names['wallet']}@{digests['wallet']}",
    }
    assert Updated(pulled, site.repository, visitor_of(pulled, tmp_path)).version == "1"
    assert pulled.ok("provision", "--no-verify").recap["changed"] == 0
    older = f"{names['wallet']}:older"
    pulled.host.exec(f"docker tag nginx:alpine {older}")
    other = pulled.inventory / "web.toml"
    other.write_text(other.read_text().replace(f'domain = "{pulled.domain}"', 'domain = "other.example.test"'))
    refused = pulled.json("provision", "--no-verify")
    assert (refused.exit_code, "do not contain https://api.other.example.test" in refused.out) == (1, True)
    left = pulled.host.exec(f"docker image ls --format '{{{{.Tag}}}}' {names['wallet']}").stdout.split()
    assert left == [site.repository.head], "what no release has a name of is forgotten at the next pull"


def push(host: TestHost, kind: str, name: str, commit: str) -> str:
    """Push what a host has built; give the digest under which the registry has it."""
    host.exec(f"docker tag biometric-did-{kind}:current {name}:{commit} && docker push --quiet {name}:{commit}")
    form = "{{index .RepoDigests 0}}"
    digest = host.exec(f"docker image inspect --format '{form}' {name}:{commit}").stdout.strip().partition("@")[2]
    assert digest.startswith("sha256:")
    return digest


# -- built on the host -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["memory", "disk"])
def test_no_room(what: str, site: Updated) -> None:
    """A build that would not fit is refused with the amounts and the alternative, the same in a dry run."""
    host = site.deployment.host
    site.commit("2")
    before = digest(host)
    if what == "memory":
        host.write("/run/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 300000 kB\nSwapFree: 100000 kB\n")
        host.exec("mount --bind /run/meminfo /proc/meminfo")
        said = "only 390 MiB of memory are available; a build needs at least 512 MiB"
    else:
        host.exec("mount -t tmpfs -o size=1500m small /var/lib/docker")
        said = "MiB are free on /var/lib/docker; a build needs at least 2048 MiB"
    for words in (("update", "--dry-run"), ("update",)):
        refused = site.deployment.json(*words)
        assert refused.exit_code == 1
        assert said in refused.out
        assert 'where = \\"operator\\" (built on your machine, then sent) or \\"registry\\"' in refused.out
    host.exec("umount /proc/meminfo" if what == "memory" else "umount /var/lib/docker")
    assert touched(before, digest(host)) == []
    assert site.version == "1"
    site.update()
    assert site.version == "2"


def test_low_priority(site: Updated) -> None:
    """The commands of a Dockerfile run in a slice of little weight, not beside the site in system.slice."""
    host = site.deployment.host
    recipe = (APPLICATION / "Dockerfile.backend").read_text()
    site.commit("2", **{"Dockerfile.backend": recipe.replace("USER appuser", "RUN sleep 6.25\nUSER appuser")})
    process = site.deployment.start("update", "--json")
    groups = "for pid in $(pgrep -fx 'sleep 6.25'); do sed -n 's/^0:://p' /proc/$pid/cgroup; done"
    seen: list[str] = []

    def looked() -> bool:
        seen.extend(host.exec(groups).stdout.split())
        return bool(seen)

    await_true(looked, "the build's command was not seen")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, f"{out}\n{err}"
    assert all(f"/{SLICE}/" in group for group in seen), seen
    serving = host.exec("cat /proc/$(pgrep -of api_server_secure)/cgroup").stdout
    assert "/system.slice/docker-" in serving
    weights = host.exec(f"systemctl show {SLICE} --property CPUWeight,IOWeight,MemoryMax").stdout
    told = dict(line.split("=") for line in weights.splitlines())
    assert (told["CPUWeight"], told["IOWeight"]) == ("10", "10")
    assert told["MemoryMax"].isdigit()
    assert host.exec("systemctl show system.slice --property CPUWeight").stdout.strip() in {
        "CPUWeight=[not set]",
        "CPUWeight=100",
    }
    assert site.version == "2"
