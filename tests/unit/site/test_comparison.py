"""What runs against what docker-compose.yml describes: from what Docker really reported, and what was changed in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.inventory.model import Inventory
from deployer.remote import containers as verb
from deployer.remote.config import Config
from deployer.remote.docker_api import DockerApi
from deployer.remote.survey.surveyed import Surveyed
from deployer.site import compose
from deployer.site.comparison import COMPARED, NOT_COMPARED
from deployer.site.compose import BACKEND, DATABASE, PROXY, WALLET
from deployer.site.containers import Container, containers
from tests.support.fakes import IS_ROOT
from tests.unit.remote.conftest import config
from tests.unit.remote.daemon import VERSION, Daemon, serving
from tests.unit.remote.inspecting import SECRETS, Change, Report, of_service, provisioned, recorded

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Of a host whose .env has the secrets that its containers were started with, and whose kernel has limits."""
    made = config(tmp_path)
    made.environment.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    monkeypatch.setattr(verb, "CONTROLLERS", tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    return made


@pytest.fixture
def capture(settings: Config, tmp_path: Path) -> "Iterator[Capture]":
    with serving(tmp_path / "docker.sock") as daemon:
        yield Capture(settings, daemon)


class Capture:
    """The containers as the tool sees them, by service."""

    def __init__(self, settings: Config, daemon: Daemon) -> None:
        self._settings, self._daemon = settings, daemon

    def __call__(self, report: Report, host: Inventory | None = None, *renewed: str) -> dict[str, Container]:
        self._daemon.answers.clear()
        self._daemon.answers["/version"] = VERSION
        self._daemon.has(report)
        shown = verb.containers(Surveyed(self._settings, DockerApi(str(self._daemon.path))), [])
        found = containers(host or provisioned(), shown, renewed)
        return {item.service: item for item in found}

    def differences(self, report: Report, host: Inventory | None = None, *renewed: str) -> dict[str, tuple[str, ...]]:
        found = self(report, host, *renewed)
        return {service: item.differences for service, item in found.items() if item.differences}


def setting(*names: str, value: object) -> Change:
    """A change of one value in the report of a container."""

    def change(container: Report) -> None:
        for name in names[:-1]:
            container = container[name]
        container[names[-1]] = value

    return change


HOST_CONFIG = "HostConfig"
DISK = {"PathOnHost": "/dev/sda"}
BIND = {"Type": "bind", "Source": "/", "Destination": "/host", "RW": True}

DRIFTS: dict[str, tuple[str, Change, str]] = {
    "privileged": (BACKEND, setting(HOST_CONFIG, "Privileged", value=True), "privileged"),
    "root": (BACKEND, setting("Config", "User", value="root"), "as root"),
    "uid 0": (BACKEND, setting("Config", "User", value="0:0"), "as root"),
    "group alone": (BACKEND, setting("Config", "User", value=":0"), "as root"),
    "no user": (BACKEND, setting("Config", "User", value=""), "as root"),
    "another user": (WALLET, setting("Config", "User", value="1000"), "as 1000"),
    "capability": (
        PROXY,
        setting(HOST_CONFIG, "CapAdd", value=["CAP_SYS_ADMIN"]),
        "with the capabilities SYS_ADMIN added",
    ),
    "dropped": (WALLET, setting(HOST_CONFIG, "CapDrop", value=["ALL"]), "with the capabilities ALL dropped"),
    "seccomp": (
        WALLET,
        setting(HOST_CONFIG, "SecurityOpt", value=["no-new-privileges:true", "seccomp=unconfined"]),
        "with the security options seccomp:unconfined",
    ),
    "new privileges": (
        WALLET,
        setting(HOST_CONFIG, "SecurityOpt", value=None),
        "without the security options no-new-privileges",
    ),
    "unmasked": (WALLET, setting(HOST_CONFIG, "MaskedPaths", value=[]), "with the system's paths unmasked"),
    "read-only": (WALLET, setting(HOST_CONFIG, "ReadonlyRootfs", value=True), "with a read-only root"),
    "pid": (PROXY, setting(HOST_CONFIG, "PidMode", value="host"), "in the process namespace of the host"),
    "ipc": (PROXY, setting(HOST_CONFIG, "IpcMode", value="host"), "in the IPC namespace of the host"),
    "uts": (PROXY, setting(HOST_CONFIG, "UTSMode", value="host"), "in the UTS namespace of the host"),
    "users": (PROXY, setting(HOST_CONFIG, "UsernsMode", value="host"), "in the user namespace of the host"),
    "device": (
        BACKEND,
        setting(HOST_CONFIG, "Devices", value=[DISK]),
        "with devices of the host",
    ),
    "group": (BACKEND, setting(HOST_CONFIG, "GroupAdd", value=["docker"]), "with further groups"),
    "sysctl": (BACKEND, setting(HOST_CONFIG, "Sysctls", value={"a": "1"}), "with kernel parameters of its own"),
    "command": (BACKEND, setting("Config", "Cmd", value=["sh"]), "with another command"),
    "no command": (BACKEND, setting("Config", "Cmd", value=None), "with another command"),
    "entry point": (WALLET, setting("Config", "Entrypoint", value=["sh"]), "with another entry point"),
    "directory": (BACKEND, setting("Config", "WorkingDir", value="/tmp"), "in another working directory"),
    "check": (BACKEND, setting("Config", "Healthcheck", "Test", value=["NONE"]), "with another health check"),
    "image": (PROXY, setting("Config", "Image", value="nginx:mine"), "the image nginx:mine"),
    "another mount": (WALLET, setting("Mounts", value=[BIND]), "with the mounts /:/host:rw"),
    "volume": (
        WALLET,
        setting("Mounts", value=[{"Type": "volume", "Name": "v", "Destination": "/x", "RW": True}]),
        "with the mounts volume v:/x:rw",
    ),
    "no restart": (WALLET, setting(HOST_CONFIG, "RestartPolicy", "Name", value="no"), "with the restart policy no"),
    "port": (
        BACKEND,
        setting(HOST_CONFIG, "PortBindings", value={"8000/tcp": [{"HostIp": "", "HostPort": "8000"}]}),
        "with the published ports 0.0.0.0:8000:8000",
    ),
    "no port": (PROXY, setting(HOST_CONFIG, "PortBindings", value=None), "with the published ports none"),
    "host network": (WALLET, setting("NetworkSettings", "Networks", value={"host": {}}), "in the networks host"),
    "no network": (WALLET, setting("NetworkSettings", "Networks", value=None), "in the networks none"),
    "address": (
        PROXY,
        setting("NetworkSettings", "Networks", "biometric-did-network", "IPAMConfig", value=None),
        "with another address",
    ),
    "memory": (BACKEND, setting(HOST_CONFIG, "Memory", value=1 << 30), "with another memory limit"),
    "cpus": (BACKEND, setting(HOST_CONFIG, "NanoCpus", value=10**9), "with another CPU limit"),
    "processes": (BACKEND, setting(HOST_CONFIG, "PidsLimit", value=7), "with a limit of processes"),
    "variable": (
        WALLET,
        lambda container: container["Config"]["Env"].append("LD_PRELOAD=/x"),
        "with LD_PRELOAD in its environment",
    ),
    "ordinary value": (
        BACKEND,
        lambda container: container["Config"]["Env"].append("HTTPS_ONLY=false"),
        "with another HTTPS_ONLY in its environment",
    ),
    "secret": (
        BACKEND,
        lambda container: container["Config"]["Env"].append("API_SECRET_KEY=chosen-by-somebody-else"),
        "with another API_SECRET_KEY in its environment",
    ),
    "value of the image": (
        WALLET,
        lambda container: container["Config"]["Env"].append("PATH=/tmp"),
        "with another PATH in its environment",
    ),
    "no value": (
        BACKEND,
        lambda container: container["Config"]["Env"].remove("DOMAIN=wallet.example.test"),
        "without DOMAIN in its environment",
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_named(capture: Capture, name: str) -> None:
    """What was changed by hand is named for its container, and nothing else; the label still says all is well."""
    service, change, expected = DRIFTS[name]
    report = recorded()
    change(of_service(report, service))
    assert capture.differences(report) == {service: (expected,)}
    found = capture(report)[service]
    assert found.as_it_runs == f"{found.name} runs {expected}"
    assert found.config == compose.config_digests(provisioned())[service]


def test_several(capture: Capture) -> None:
    """All of them, in one sentence."""
    report = recorded()
    for name in ("privileged", "root"):
        DRIFTS[name][1](of_service(report, BACKEND))
    assert capture(report)[BACKEND].as_it_runs == "biometric-did-backend-api-2 runs privileged, as root"


def emptied(value: object, empty: object) -> object:
    """The same report with each empty value in another form, or without it."""
    if isinstance(value, dict):
        others = {name: emptied(inner, empty) for name, inner in value.items()}
        return {name: inner for name, inner in others.items() if inner is not ...}
    if isinstance(value, list) and value:
        return [inner for item in value if (inner := emptied(item, empty)) is not ...]
    return value if value or (value is False and empty == 0) else empty


@pytest.mark.parametrize("empty", [None, ...])
def test_as_other_versions_report_it(capture: Capture, empty: object) -> None:
    """Null in place of an empty text or list, or nothing at all: Docker's versions differ, and nothing else does."""
    report = {name: [emptied(item, empty) for item in items] for name, items in recorded().items()}
    assert capture.differences(report) == {}


@pytest.mark.parametrize(
    ("service", "change"),
    [
        (WALLET, setting(HOST_CONFIG, "SecurityOpt", value=["no-new-privileges"])),
        (WALLET, setting(HOST_CONFIG, "SecurityOpt", value=["no-new-privileges=true"])),
        (WALLET, setting(HOST_CONFIG, "IpcMode", value="shareable")),
        (WALLET, setting(HOST_CONFIG, "PidsLimit", value=-1)),
        (WALLET, setting(HOST_CONFIG, "CgroupnsMode", value="host")),
        (WALLET, setting(HOST_CONFIG, "Runtime", value="io.containerd.runc.v2")),
        (WALLET, setting("Config", "WorkingDir", value="/")),
        (WALLET, setting("Config", "Image", value=f"sha256:{'0' * 64}")),
    ],
)
def test_not_a_difference(capture: Capture, service: str, change: Change) -> None:
    """Other words for the same, and what Docker's own settings decide."""
    report = recorded()
    change(of_service(report, service))
    assert capture.differences(report) == {}


def test_image_that_is_gone(capture: Capture) -> None:
    """Of what would be its defaults nothing is known: that alone is not compared."""
    report = recorded()
    report["images"].clear()
    of_service(report, BACKEND)[HOST_CONFIG]["Privileged"] = True
    assert capture.differences(report) == {BACKEND: ("privileged",)}


def test_limits_as_they_are_set(capture: Capture) -> None:
    """Amounts as Compose reads them; where the kernel has no such limit Docker sets none."""
    host = provisioned(backend={"memory": "1.5G", "cpus": "0.1"})
    report = recorded()
    limits = of_service(report, BACKEND)[HOST_CONFIG]
    assert capture.differences(report, host)[BACKEND] == ("with another memory limit", "with another CPU limit")
    limits["Memory"], limits["NanoCpus"] = 3 << 29, 100000001
    assert capture.differences(report, host) == {}


def test_kernel_without_limits(capture: Capture, tmp_path: Path) -> None:
    """What Docker discards is not missed."""
    (tmp_path / "cgroup.controllers").write_text("pids\n")
    assert capture.differences(recorded(), provisioned(backend={"memory": "1G", "cpus": "2"})) == {}


def test_secrets_that_the_run_changes(capture: Capture) -> None:
    """A container gets those by being replaced, and the plan says so before .env is written."""
    found = capture.differences(recorded(), None, "API_SECRET_KEY")
    assert found == {BACKEND: ("with another API_SECRET_KEY in its environment",)}


def test_secret_of_a_persons_own(capture: Capture, settings: Config) -> None:
    """One that was put into .env after the start never reached the application."""
    with settings.environment.open("a") as file:
        file.write("SMTP_PASSWORD=x\n")
    assert capture.differences(recorded()) == {BACKEND: ("without SMTP_PASSWORD in its environment",)}


def test_proxies_that_docker_adds(capture: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables that Docker's own configuration gives every container are no difference; without it they are."""
    report = recorded()
    of_service(report, WALLET)["Config"]["Env"].append("http_proxy=http://x")
    assert capture.differences(report) == {WALLET: ("with http_proxy in its environment",)}
    (tmp_path / "client.json").write_text('{"proxies": {"default": {}}}')
    monkeypatch.setattr(verb, "CLIENT", tmp_path / "client.json")
    assert capture.differences(report) == {}


def test_every_setting_is_compared() -> None:
    """A setting that docker-compose.yml gets one day is compared, or its name says why it is not."""
    host = provisioned(backend={"memory": "1G", "cpus": "2"}, postgres={"enabled": True})
    names = {name for service in compose.services(host).values() for name in service}
    assert names <= COMPARED | NOT_COMPARED


def test_database(capture: Capture) -> None:
    """Its password is that of its first start: the role has the one of .env, whatever its container was given."""
    host = provisioned(postgres={"enabled": True})
    report = recorded()
    database = of_service(report, WALLET)
    database["Config"]["Labels"]["com.docker.compose.service"] = DATABASE
    database["Config"]["Env"] += ["POSTGRES_PASSWORD=former", "POSTGRES_USER=app_user", "POSTGRES_DB=other"]
    assert "with another POSTGRES_DB in its environment" in capture(report, host)[DATABASE].differences
