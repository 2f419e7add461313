"""The rotation of logs by the real logrotate: no line is lost, nothing is restarted, and Docker may be off."""

import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from deployer.inventory.model import Inventory
from deployer.site.rendering import render
from testbed.engine import apt_install
from testbed.shell import Completed, docker, run, wait_for
from tests.host.proxy import stage
from tests.host.proxy.stage import PREFIX, Images, Proxy

NAME = "rotation"
WRITER = """\
import itertools
file = open("/logs/audit.log", "a", buffering=1)
for number in itertools.count():
    print(number, file=file)
    if number % 100 == 0:
        import time; time.sleep(0.001)
"""
TOOLS = {
    "docker": 'echo "docker $1" >>{calls}\nexec {docker} "$@"',
    "systemd-run": 'echo "systemd-run $*" >>{calls}\ntouch {calls}.timer',
    "systemctl": 'echo "systemctl $1" >>{calls}\ncase $1 in\n'
    "is-active) [ -e {calls}.timer ] && echo active;;\nstop) rm -f {calls}.timer;;\nesac",
}


@dataclass(frozen=True)
class Rotation:
    """A root directory with logs, and stand-ins for what logrotate's scripts call; `tools` may be empty."""

    place: Path
    tools: Path

    @property
    def root(self) -> Path:
        return self.place / "root"

    @property
    def calls(self) -> list[str]:
        file = self.place / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def rotate(self, *options: str) -> Completed:
        """As cron does: a small environment, another directory."""
        text = render("logrotate", host=_host(self.root)).replace("/usr/bin/", f"{self.tools}/")
        configuration = self.place / "logrotate.conf"
        configuration.write_text(text)
        configuration.chmod(0o644)
        state = str(self.place / "state")
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        arguments = ("logrotate", "--state", state, *options, str(configuration))
        return run(arguments, environment=environment, directory=Path("/"), check=False)


def _host(root: Path) -> Inventory:
    """Its root is where a test may write, past the rule that the inventory's is none of the system's directories."""
    return stage.inventory().model_copy(update={"name": NAME, "root": PurePosixPath(root)})


@pytest.fixture
def rotation(tmp_path: Path) -> Rotation:
    if not shutil.which("logrotate"):
        apt_install("logrotate")
    for directory in ("root/logs", "root/nginx/logs", "tools"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "root/logs/api_server.log").write_text("a line\n")
    (tmp_path / "root/nginx/logs/access.log").write_text("a line\n")
    return Rotation(tmp_path, tmp_path / "tools")


@pytest.fixture
def with_docker(rotation: Rotation) -> Rotation:
    """The real docker; systemd is played, since the machine may have none."""
    known = {"calls": str(rotation.place / "calls"), "docker": str(shutil.which("docker"))}
    for name, script in TOOLS.items():
        tool = rotation.tools / name
        tool.write_text(f"#!/bin/sh\n{script.format(**known)}\n")
        tool.chmod(0o755)
    return rotation


def test_without_docker_nothing_fails(rotation: Rotation) -> None:
    """logrotate takes the file, rotates, and exits 0; what a container writes and what nginx writes alike."""
    dry = rotation.rotate("--debug")
    assert dry.returncode == 0
    assert "error" not in dry.stderr
    done = rotation.rotate("--force")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert (rotation.root / "logs/api_server.log.1").read_text() == "a line\n"
    assert (rotation.root / "logs/api_server.log").read_text() == ""
    created = rotation.root / "nginx/logs/access.log"
    assert (created.read_text(), created.stat().st_mode & 0o777) == ("", 0o640)


def test_without_logs_nothing_fails(rotation: Rotation) -> None:
    """Also with a root directory that is not there at all."""
    shutil.rmtree(rotation.root)
    done = rotation.rotate("--force")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_directory_of_the_applications_user(rotation: Rotation) -> None:
    """It belongs to the image's user and a group may write to it: logrotate wants to be told who it is then."""
    logs = rotation.root / "logs"
    logs.chmod(0o775)
    for path in (logs, logs / "api_server.log"):
        shutil.chown(path, 1000, 1000)
    done = rotation.rotate("--force")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    kept = (logs / "api_server.log").stat()
    assert (kept.st_size, kept.st_uid) == (0, 1000)


@pytest.fixture
def writer(with_docker: Rotation, images: Images) -> Iterator[stage.Container]:
    """A container of the backend that writes numbered lines as fast as it can."""
    labels = (f"com.docker.compose.project={NAME}", "com.docker.compose.service=backend-api")
    options = [word for label in labels for word in ("--label", label)]
    options += ["--volume", f"{with_docker.root}/logs:/logs", "--name", f"{PREFIX}-writer"]
    with stage.running(images.python, "python3", "-c", WRITER, options=options) as container:
        log = with_docker.root / "logs/audit.log"
        wait_for(lambda: (log.exists() and log.stat().st_size > 100_000) or None, "lines", seconds=10)
        yield container


def test_no_line_is_lost(with_docker: Rotation, writer: stage.Container) -> None:
    """Three rotations while lines are written; every number is there, in order, and the container ran on."""
    log = with_docker.root / "logs/audit.log"
    for _ in range(3):
        done = with_docker.rotate("--force")
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        wait_for(lambda: log.stat().st_size > 20_000 or None, "more lines", seconds=10)
    state = docker("inspect", "--format", "{{.State.Status}} {{.RestartCount}}", writer.id).stdout.split()
    assert state == ["running", "0"]
    docker("kill", writer.id)
    text = b"".join(_content(path) for path in sorted(log.parent.glob("audit.log*"), key=_age, reverse=True))
    numbers = [int(line) for line in text.split()]
    assert numbers == list(range(len(numbers)))


def _age(path: Path) -> int:
    found = re.search(r"\.log\.(\d+)", path.name)
    return int(found[1]) if found else 0


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_the_undo_is_set_first(with_docker: Rotation, writer: stage.Container) -> None:
    """Nothing is paused before the timer that would let it go on; afterwards the timer is gone."""
    with_docker.rotate("--force")
    calls = [call.split(" --filter")[0] for call in with_docker.calls]
    timer = next(call for call in calls if call.startswith("systemd-run"))
    assert f"--on-active=30 --timer-property=AccuracySec=1s {with_docker.tools}/docker unpause" in timer
    assert calls.index(timer) < calls.index("docker pause") < calls.index("docker unpause")
    assert not (with_docker.place / "calls.timer").exists()


def test_without_an_undo_nothing_is_paused(with_docker: Rotation, writer: stage.Container) -> None:
    """Without systemd rotation goes on, and so does the container."""
    (with_docker.tools / "systemd-run").write_text("#!/bin/sh\nexit 1\n")
    assert with_docker.rotate("--force").returncode == 0
    assert "docker pause" not in with_docker.calls


def test_a_container_paused_by_someone_else_stays_so(with_docker: Rotation, writer: stage.Container) -> None:
    """A backup, or a person, had a reason."""
    docker("pause", writer.id)
    assert with_docker.rotate("--force").returncode == 0
    assert docker("inspect", "--format", "{{.State.Paused}}", writer.id).stdout.strip() == "true"
    docker("unpause", writer.id)


def test_the_proxy_opens_its_logs_anew(proxy: Proxy) -> None:
    """What logrotate's script runs in the container: lines go to the new file, written by the worker's user."""
    logs = proxy.tree.nginx / "logs"
    script = render("logrotate", host=stage.inventory())
    found = re.search(r'exec "\$id" (sh -c \'[^\']+\')', script)
    assert found
    (logs / "access.log").rename(logs / "access.log.1")
    (logs / "access.log").touch(0o640)
    proxy.visitor.ask(stage.DOMAIN, "/before")
    run(("sh", "-c", f"docker exec {proxy.container.id} {found[1]}"))
    wait_for(lambda: _asked(proxy) or None, "a line in the new file", seconds=5)
    assert "/before" in (logs / "access.log.1").read_text()
    assert (logs / "access.log").stat().st_mode & 0o777 == 0o640


def _asked(proxy: Proxy) -> bool:
    proxy.visitor.ask(stage.DOMAIN, "/after")
    return "/after" in (proxy.tree.nginx / "logs/access.log").read_text()
