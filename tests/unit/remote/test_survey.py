"""`survey`: the questions that one process of the host program answers, and what stands in where it does not."""

import io
import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from deployer.engine.facts import Ask, Facts, Unknown
from deployer.engine.host_program import ask
from deployer.engine.survey import parse
from deployer.inventory.model import Inventory
from deployer.remote.docker_api import DockerApi
from deployer.remote.failure import Failure
from deployer.remote.survey import docker_facts, package_facts, proxy_facts, release_facts
from deployer.remote.survey.replies import survey
from deployer.remote.survey.surveyed import Surveyed
from tests.support.fakes import asked_here
from tests.unit.remote.daemon import VERSION, Daemon, serving
from tests.unit.remote.inspecting import Report, of_service, provisioned, recorded
from tests.unit.remote.installed import install


@pytest.fixture
def host(surveyed: Surveyed) -> Surveyed:
    """Of which the questions are asked."""
    return surveyed


@pytest.fixture
def report(daemon: Daemon) -> Report:
    """What the daemon has."""
    made = recorded()
    for item in made["containers"]:
        item["State"]["StartedAt"] = "2025-10-12T03:15:00.123456789Z"
    daemon.has(made)
    return made


class TestTogether:
    @pytest.fixture
    def there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
        """A host with the program, whose Docker is silent."""
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/absent.sock")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        (tmp_path / "docker").write_text("#!/bin/sh\necho the command; exit 0\n")
        (tmp_path / "docker").chmod(0o755)
        host = provisioned(tmp_path / "root")
        install(host)
        return host

    def asked(self, host: Inventory) -> Facts:
        questions = {
            "env": ask(host, "environment", "", "", otherwise="echo by bash"),
            "network": ask(host, "network", "bridge", otherwise="echo by bash; exit 7"),
            "new": ask(host, "invented", otherwise="echo by bash"),
            "plain": Ask("echo plain"),
        }
        return asked_here(questions)

    def test_by_the_program(self, there: Inventory) -> None:
        """Each question has its own answer, also where the next one cannot be answered."""
        Path(there.paths.env).write_text("DOMAIN=x\n")
        facts = self.asked(there)
        assert facts["plain"] == "plain"
        assert facts.lines("env")[1:] == ("DOMAIN=x",)
        with pytest.raises(Unknown, match="Cannot connect to the Docker daemon at unix://"):
            facts["network"]
        with pytest.raises(Unknown, match="the host program is not in place yet"):
            facts["new"]

    @pytest.mark.parametrize("program", [b"", b"import sys; print('no such verb'); sys.exit(2)"])
    def test_by_scripts(self, there: Inventory, program: bytes) -> None:
        """Where the program is absent, or an older one, each is asked by its script, with its exit code."""
        if program:
            install(there, program)
        else:
            Path(there.paths.state / "remote.pyz").unlink()
        facts = self.asked(there)
        assert (facts["env"], facts["new"], facts["plain"]) == ("by bash", "by bash", "plain")
        assert facts.answers["network"].exit_code == 7

    def test_damaged_settings(self, there: Inventory) -> None:
        """Settings of another version end the program: the scripts are asked, and the settings are replaced later."""
        Path(there.paths.state / "remote.json").write_text("{}")
        assert self.asked(there)["env"] == "by bash"

    @pytest.mark.parametrize("text", ["", "[", "{}", '[["x", []]]', "[1]", "[[1, [], 2]]"])
    def test_no_questions(self, host: Surveyed, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        """Input that is no list of questions is refused as a whole."""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        if text == "{}":
            survey(*host)
            return
        with pytest.raises(Failure, match="survey"):
            survey(*host)

    def test_form(
        self, host: Surveyed, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        """Any bytes, counted as such, without newlines at the end; a fault of one question is its own."""
        host.config.environment.write_bytes(b"A=\xc3\xa9\xff\n\n")
        host.config.environment.chmod(0o600)
        asked = [[1, ["environment", "", ""]], [0, ["image"]]]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(asked).encode())))
        survey(*host)
        printed = capfdbinary.readouterr().out
        first, second = Ask("a"), Ask("b")
        answers = parse(printed + b"done\n", (first, second))
        assert answers[second].output.splitlines()[1] == "A=é\ufffd"
        assert answers[first].exit_code != 0
        assert "internal error of the host program" in answers[first].error


class TestDocker:
    def test_engine(self, host: Surveyed, daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The daemon's version; a script asks one that is down; nothing where none is installed."""
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        monkeypatch.setattr("shutil.which", lambda name: (tmp_path / name).exists() or None)
        assert docker_facts.engine(host, ["echo 1.2.3"]) == ""
        (tmp_path / "dockerd").touch()
        assert docker_facts.engine(host, ["echo 1.2.3"]) == VERSION["Version"]

    def test_engine_that_is_down(self, host: Surveyed, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its program says its version."""
        monkeypatch.setattr("shutil.which", lambda name: name)
        assert docker_facts.engine(host, ["echo 1.2.3"]).strip() == "1.2.3"
        with pytest.raises(Failure, match="no such"):
            docker_facts.engine(host, ["echo no such >&2; exit 1"])

    def test_image(self, host: Surveyed, report: Report) -> None:
        """By its name; empty where there is none."""
        (proxy,) = [item for item in report["images"] if "nginx:alpine" in item["RepoTags"]]
        assert docker_facts.image(host, ["nginx:alpine"]) == proxy["Id"]
        assert docker_facts.image(host, ["nginx:stable"]) == ""

    def test_images(self, host: Surveyed, report: Report, daemon: Daemon) -> None:
        """All names of those asked for, with the id; an image without a name is left out."""
        daemon.answers["/images/json"] = [{"Id": "x", "RepoTags": None}, *report["images"]]
        found = docker_facts.images(host, ["biometric-did-backend", "biometric-did"])
        assert [line.partition(" ")[0] for line in found.splitlines()] == [
            "biometric-did-backend:c708946a77c1-7da120b4",
            "biometric-did-backend:current",
        ]

    def test_network(self, host: Surveyed, daemon: Daemon) -> None:
        """Driver, subnet, range; empty where there is none."""
        config = [{"Subnet": "172.30.0.0/24", "IPRange": "172.30.0.128/25"}]
        daemon.answers["/networks/n"] = {"Driver": "bridge", "IPAM": {"Config": config}}
        daemon.answers["/networks/m"] = {"Driver": "host", "IPAM": {"Config": None}}
        assert docker_facts.network(host, ["n"]).split() == ["bridge", "172.30.0.0/24", "172.30.0.128/25"]
        assert docker_facts.network(host, ["m"]).split() == ["host"]
        assert docker_facts.network(host, ["o"]) == ""

    def test_publishers(self, host: Surveyed, report: Report, daemon: Daemon) -> None:
        """Of those that run: the project, and the ports as `docker ps` has them."""
        text = docker_facts.publishers(host, [])
        assert "biometric-did 0.0.0.0:443->443/tcp, 0.0.0.0:80->80/tcp" in text.splitlines()
        daemon.answers["/containers/json?all=1"] = [{"State": "exited"}, {"State": "running", "Labels": None}]
        assert docker_facts.publishers(Surveyed(host.config, DockerApi(host.api.path)), []) == " "


class TestCompose:
    @pytest.fixture
    def plugin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Docker's plugin, which a package has."""
        plugin = tmp_path / "docker-compose"
        plugin.touch(0o755)
        (tmp_path / "info").mkdir()
        (tmp_path / "info" / "docker-compose-v2.list").write_text(f"/.\n{plugin}\n")
        monkeypatch.setattr(package_facts, "DPKG", tmp_path)
        monkeypatch.setattr(package_facts, "PLUGINS", (f"{tmp_path}/none", str(plugin)))
        monkeypatch.setattr("shutil.which", lambda name: name)
        return plugin

    def status(self, directory: Path, state: str, version: str) -> None:
        entry = f"Package: docker-compose-v2\nStatus: install ok {state}\nVersion: {version}\n"
        other = "Package: other\nStatus: install ok installed\nVersion: 9\n"
        (directory / "status").write_text("\n".join((other, entry, "Package: z\n")))

    @pytest.mark.parametrize(
        ("version", "shown"),
        [("2.26.1-4", "2.26.1"), ("2.24.6+ds1-0ubuntu1~24.04.1", "2.24.6"), ("1:2.29.1-1~debian", "2.29.1")],
    )
    def test_package(self, host: Surveyed, plugin: Path, version: str, shown: str) -> None:
        """The version of the package, without the distribution's part, and the plugin is not started."""
        self.status(plugin.parent, "installed", version)
        assert package_facts.compose(host, ["echo 1.2.3"]) == shown

    def test_by_itself(self, host: Surveyed, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that was put there by hand, or whose package is half installed, is asked."""
        self.status(plugin.parent, "half-configured", "2.26.1-4")
        assert package_facts.compose(host, ["echo 1.2.3"]).strip() == "1.2.3"
        self.status(plugin.parent, "installed", "2.26.1-4")
        monkeypatch.setattr(package_facts, "PLUGINS", ("/bin/sh",))
        assert package_facts.compose(host, ["echo 1.2.3"]).strip() == "1.2.3"

    def test_without_docker(self, host: Surveyed, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing uses it."""
        monkeypatch.setattr("shutil.which", lambda name: None)
        assert package_facts.compose(host, ["echo 1.2.3"]) == ""


class TestApi:
    @pytest.mark.parametrize(
        ("version", "oldest", "used"), [("1.43", "1.24", "1.43"), ("1.52", "1.44", "1.45"), ("1.60", "1.50", "1.50")]
    )
    def test_version(self, host: Surveyed, daemon: Daemon, version: str, oldest: str, used: str) -> None:
        """The newest that both know; with a daemon that is too new for that, its oldest."""
        daemon.answers["/version"] = {"Version": "x", "ApiVersion": version, "MinAPIVersion": oldest}
        host.api.containers()
        assert daemon.asked == ["/version", f"/v{used}/containers/json?all=1"]

    def test_asked_once(self, host: Surveyed, daemon: Daemon) -> None:
        """However many questions need the same answer."""
        for _ in range(3):
            host.api.containers()
        assert len(daemon.asked) == 2

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ((500, b'{"message": "a fault"}'), "a fault"),
            ((404, b'{"message": "page not found"}'), "page not found"),
            ((200, b'[{"Id": '), "status 200"),
            ((503, b"<html>"), "status 503"),
        ],
    )
    def test_refused(self, host: Surveyed, daemon: Daemon, answer: tuple[int, bytes], why: str) -> None:
        """A list that Docker does not give, or gives in part, is never an empty one."""
        daemon.answers["/containers/json?all=1"] = answer
        with pytest.raises(Failure, match=f"Docker refused .*{why}"):
            host.api.containers()

    def test_limits(self, host: Surveyed, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        """An answer has a limit of size."""
        monkeypatch.setattr("deployer.remote.docker_api.LARGEST", 5)
        with pytest.raises(Failure, match="longer than 5 bytes"):
            host.api.containers()

    def test_a_daemon_that_hangs(self, host: Surveyed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It accepts, and does not answer: it is waited for once, whatever else is asked."""
        monkeypatch.setattr("deployer.remote.docker_api.SECONDS", 0.3)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "hangs.sock"))
            listening.listen()
            api, began = DockerApi(str(tmp_path / "hangs.sock")), time.monotonic()
            for ask in (api.version, api.containers, api.images, api.containers):
                with pytest.raises(Failure, match="no answer within"):
                    ask()
        assert time.monotonic() - began < 0.9

    def test_an_answer_without_end(self, host: Surveyed, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that arrives bit by bit has the same limit."""
        monkeypatch.setattr("deployer.remote.docker_api.time.monotonic", iter([0.0, 99.0]).__next__)
        with pytest.raises(Failure, match="no answer within 20 s"):
            host.api.version()

    @pytest.mark.parametrize("name", ["a b", "../x", "x?y", "x\r\ny", ""])
    def test_names(self, host: Surveyed, daemon: Daemon, name: str) -> None:
        """What is no name of Docker's never becomes a part of a request."""
        with pytest.raises(Failure, match="is no name"):
            host.api.image(name)
        assert daemon.asked == []


class TestLoaded:
    @pytest.fixture
    def files(self, host: Surveyed, report: Report) -> Path:
        """The proxy's files, older than its start."""
        nginx = host.config.nginx
        (nginx / "conf.d").mkdir()
        for name in ("nginx.conf", "conf.d/site.conf", "ssl/fullchain.pem"):
            (nginx / name).write_text("x")
        self.start(report, "2099-10-12T03:15:00.123456789Z")
        return nginx

    def start(self, report: Report, when: str) -> None:
        of_service(report, "nginx")["State"]["StartedAt"] = when

    def test_after_its_start(self, host: Surveyed, files: Path, report: Report) -> None:
        """What was changed before the start has been read."""
        assert proxy_facts.loaded(host, []) == "configuration=loaded\ncertificate=loaded"

    @pytest.mark.parametrize("when", ["2025-10-12T03:15:00.123456789Z", "2025-10-12T03:15:00Z"])
    def test_changed_since(self, host: Surveyed, files: Path, report: Report, when: str) -> None:
        """What was changed since then has not, unless the proxy was reloaded."""
        self.start(report, when)
        assert proxy_facts.loaded(host, []) == "configuration=stale\ncertificate=stale"
        (host.config.state / "proxy.loaded").touch()
        assert proxy_facts.loaded(host, []) == "configuration=loaded\ncertificate=loaded"
        os.utime(host.config.state / "proxy.loaded", (1, 1))
        (files / "conf.d" / "link").symlink_to("/etc/passwd")
        assert "configuration=stale" in proxy_facts.loaded(host, [])

    def test_nothing_on_disk(self, host: Surveyed, report: Report) -> None:
        """Files that are not there are not stale: their steps write them, and reload."""
        assert proxy_facts.loaded(host, []) == "configuration=loaded\ncertificate=loaded"

    def test_no_proxy(self, host: Surveyed, daemon: Daemon, report: Report) -> None:
        """Empty where none runs."""
        of_service(report, "nginx")["State"]["Status"] = "exited"
        daemon.has(report)
        assert proxy_facts.loaded(host, []) == ""


LINE = '{"id": "x", "ref": "main", "commit": "%s", "result": "%s", "why": ""}\n'
UPSTREAMS = (
    "upstream wallet {\n    server biometric-did-demo-wallet-7:80 resolve;\n}\n\n"
    "upstream backend {\n    zone backend 4m;\n    server %s:8000 resolve max_fails=0;\n}\n"
)


class TestServing:
    @pytest.fixture
    def log(self, host: Surveyed) -> Path:
        """Its last readable line that serves has the commit 22…"""
        log = host.config.state / "releases.jsonl"
        lines = (("1" * 40, "deployed"), ("2" * 40, "restored"), ("3" * 40, "failed"))
        log.write_text("".join(LINE % line for line in lines) + (LINE % ("4" * 40, "deployed"))[:60])
        return log

    def name(self, host: Surveyed, container: str) -> None:
        (host.config.nginx / "conf.d").mkdir()
        (host.config.nginx / "conf.d" / f"{host.config.name}.upstreams").write_text(UPSTREAMS % container)

    def test_container(self, host: Surveyed, report: Report, log: Path) -> None:
        """The backend that the proxy names says of which commit it is, whatever the log says."""
        backend = of_service(report, "backend-api")
        self.name(host, backend["Name"].lstrip("/"))
        assert release_facts.serving(host, ["echo x"]) == backend["Config"]["Labels"]["deployer.commit"]

    def test_log(self, host: Surveyed, report: Report, log: Path) -> None:
        """A container that is gone is no error: the log has the commit."""
        self.name(host, "gone")
        assert release_facts.serving(host, ["echo x"]) == "2" * 40
        assert release_facts.unless_serving(host, ["echo x"]) == ""

    def test_neither(self, host: Surveyed) -> None:
        """The script is run."""
        assert release_facts.serving(host, ["echo x"]).strip() == "x"
        assert release_facts.serving(host, [""]) == ""
        assert release_facts.unless_serving(host, ["echo x"]).strip() == "x"

    def test_docker_is_silent(self, host: Surveyed, log: Path) -> None:
        """What serves is not guessed from the log; before there is a proxy, silence hides nothing."""
        assert release_facts.serving(host, [""]) == "2" * 40
        self.name(host, "some")
        with pytest.raises(Failure, match="Cannot connect"):
            release_facts.serving(host, [""])


def test_never_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Docker there is certainly nothing of it: every such answer is empty."""
    monkeypatch.setenv("PATH", f"{tmp_path}/none")
    monkeypatch.setattr("deployer.remote.docker_api.DATA", tmp_path / "none")
    assert DockerApi(str(tmp_path / "none")).was_never_installed
    with serving(tmp_path / "docker.sock") as daemon:
        assert not DockerApi(str(daemon.path)).was_never_installed
