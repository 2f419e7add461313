"""Logs on the host: of containers and of files that the application writes; printed, followed, masked."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from deployer.engine import host_program
from deployer.remote import tail
from deployer.remote.config import FILE
from deployer.remote.docker import command
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.logs import HEARTBEAT, LONGEST, Printer, logs
from deployer.remote.process import Result
from tests.unit.remote.conftest import FakeDocker

LINES = "--lines=200"


@pytest.fixture
def audit(host: Host) -> Path:
    """The application's log file."""
    (host.config.root_directory / "logs").mkdir()
    file = host.config.root_directory / "logs" / "audit.log"
    file.write_text("one\ntwo\n")
    return file


def shown(capfd: pytest.CaptureFixture[str], host: Host, *words: str) -> str:
    logs(host, words)
    return capfd.readouterr().out


class TestFiles:
    def test_the_last_lines(self, host: Host, audit: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """As many as there are, or as many as are wanted; also what has no newline at its end."""
        assert shown(capfd, host, "audit", LINES) == "one\ntwo\n"
        audit.write_text("one\ntwo\nthree")
        assert shown(capfd, host, "audit", "--lines=2") == "two\nthree\n"

    @pytest.mark.parametrize("lines", [1, 2, 7, 1000])
    def test_as_tail_does(self, host: Host, audit: Path, capfd: pytest.CaptureFixture[str], lines: int) -> None:
        """The same lines, also where they are many and of all lengths."""
        audit.write_text("".join(f"{'x' * (number * 37 % 4000)} {number}\n" for number in range(500)))
        wanted = subprocess.run(["tail", "-n", str(lines), audit], capture_output=True, text=True, check=True).stdout
        assert shown(capfd, host, "audit", f"--lines={lines}") == wanted

    def test_bounded(self, host: Host, audit: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A line without an end, of any length, is not printed as a whole."""
        with audit.open("wb") as file:
            file.truncate(1 << 40)
        assert len(shown(capfd, host, "audit", "--lines=2")) <= 2 * tail.LINE + 2

    def test_masked_and_searched(self, host: Host, audit: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Secrets are masked before anything is searched: searching does not find them."""
        host.config.environment.write_text("API_SECRET_KEY=s/e[c]r.e*t^va\nDOMAIN=example.com\n")
        audit.write_text("one s/e[c]r.e*t^va example.com\nthree\n")
        assert shown(capfd, host, "audit", LINES) == "one [secret] example.com\nthree\n"
        assert shown(capfd, host, "audit", LINES, "--grep=ex") == "one [secret] example.com\n"
        assert shown(capfd, host, "audit", LINES, "--grep=e*t") == ""

    def test_not_yet(self, host: Host, capfd: pytest.CaptureFixture[str]) -> None:
        """Nothing was renewed yet, for example."""
        assert "renew.log does not exist yet" in shown(capfd, host, "renew", LINES)
        assert "logs/audit.log does not exist yet" in shown(capfd, host, "audit", LINES)


class TestPlanted:
    """Files that the application puts where root reads its logs."""

    def test_a_link(self, host: Host, audit: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """It is named, and not followed: it could lead to /etc/shadow."""
        audit.unlink()
        audit.symlink_to("/etc/passwd")
        with pytest.raises(Failure, match=r"audit\.log is a link"):
            logs(host, ["audit", LINES])
        assert "root:" not in capfd.readouterr().out

    def test_a_link_in_place_of_the_directory(
        self, host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """The directory is the application's, too."""
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "audit.log").write_text("private\n")
        (host.config.root_directory / "logs").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Failure, match="logs is a link, or not a directory"):
            logs(host, ["audit", LINES])
        assert capfd.readouterr().out == ""

    def test_the_proxys(self, host: Host, capfd: pytest.CaptureFixture[str]) -> None:
        """So is the directory of the proxy's logs."""
        (host.config.nginx / "logs" / "access.log").symlink_to("/etc/passwd")
        with pytest.raises(Failure, match=r"access\.log is a link"):
            logs(host, ["access", LINES])

    def test_a_pipe(self, host: Host, audit: Path) -> None:
        """Nothing waits for somebody who writes into it."""
        audit.unlink()
        os.mkfifo(audit)
        began = time.monotonic()
        with pytest.raises(Failure, match="is not a regular file"):
            logs(host, ["audit", LINES])
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("name", ["directory", "device"])
    def test_others(self, host: Host, audit: Path, name: str) -> None:
        """Nor is anything else read."""
        audit.unlink()
        if name == "directory":
            audit.mkdir()
        else:
            os.mknod(audit, 0o20666, os.makedev(1, 5))
        with pytest.raises(Failure, match="is not a regular file"):
            logs(host, ["audit", LINES])


class TestContainers:
    def test_asked_of_compose(self, host: Host, docker: FakeDocker, capfd: pytest.CaptureFixture[str]) -> None:
        """All containers, or one without its name before each line; what Compose prints for a terminal is left out."""
        docker.outputs = {"ps": "7\n", "compose": "\x1b[2Kweb | one\nweb | two\n"}
        assert shown(capfd, host, LINES) == "web | one\nweb | two\n"
        shown(capfd, host, "nginx", LINES, "--since=2h", "--follow")
        common = ("compose", "--project-name", "biometric-did", "logs", "--no-color", "--tail", "200")
        assert [words for words in docker.calls if words[0] == "compose"] == [
            common,
            (*common, "--since", "2h", "--follow", "--no-log-prefix", "nginx"),
        ]

    @pytest.mark.parametrize(
        ("name", "shown"), [("", "no container exists"), ("nginx", "no container of nginx exists")]
    )
    def test_none(self, host: Host, name: str, shown: str) -> None:
        """That is an error, with the command to run."""
        with pytest.raises(Failure, match=f"{shown} on this host: run `deployer provision`"):
            logs(host, [name, LINES])

    def test_without_docker(self, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error that says so."""
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Failure, match="Docker is not installed on this host: run `deployer provision`"):
            logs(Host(host.config, command), [LINES])

    @pytest.mark.parametrize("what", ["ps", "compose"])
    def test_docker_fails(self, host: Host, docker: FakeDocker, what: str) -> None:
        """Its message is not taken for the name of a container."""
        docker.outputs = {"ps": "7\n"}
        docker.answer = lambda words: Result(1, b"Cannot connect to the Docker daemon\n") if words[0] == what else None
        with pytest.raises(Failure, match=r"Cannot connect|failed with exit code 1"):
            logs(host, [LINES])


class TestPrinter:
    def test_a_line_without_end(self, capfd: pytest.CaptureFixture[str]) -> None:
        """It is not kept in memory: it is cut."""
        printer = Printer((), b"", needs_reader=False)
        for _ in range(20):
            printer(bytes(LONGEST // 8))
        assert len(capfd.readouterr().out) > 2 * LONGEST

    def test_silence(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Something is printed, whatever is searched for, so that a dead connection is noticed."""
        monkeypatch.setattr("deployer.remote.logs.SILENCE", 0.0)
        reading, writing = os.pipe()
        monkeypatch.setattr("deployer.remote.logs.STDIN", reading)
        Printer((), b"wanted", needs_reader=True)(b"other\n")
        assert capfd.readouterr().out.encode() == HEARTBEAT
        os.close(reading)
        os.close(writing)


@pytest.fixture
def following(host: Host, audit: Path) -> Iterator["subprocess.Popen[str]"]:
    """The program as a host has it, which follows the application's log."""
    program = host.config.state / "remote.pyz"
    program.write_bytes(host_program.archive())
    program.with_name(FILE).write_text(json.dumps(asdict(host.config)))
    words = [sys.executable, *host_program.PYTHON[1:], str(program), "logs", "audit", "--lines=1", "--follow"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline()


class TestFollowing:
    def test_until_the_input_ends(self, following: "subprocess.Popen[str]", audit: Path) -> None:
        """When the operator is gone nothing stays behind."""
        assert next_line(following) == "two\n"
        with audit.open("a") as more:
            more.write("three\n")
        assert next_line(following) == "three\n"
        assert following.stdin
        following.stdin.close()
        assert following.wait(10) == 0

    def test_until_nobody_reads(self, following: "subprocess.Popen[str]", audit: Path) -> None:
        """The output is closed, while the input stays open: the next line ends it."""
        assert next_line(following) == "two\n"
        assert following.stdout
        following.stdout.close()
        with audit.open("a") as more:
            more.write("three\n")
        assert following.wait(10) == 0

    def test_rotation(self, following: "subprocess.Popen[str]", audit: Path) -> None:
        """A new file under the name is followed from its beginning, and so is one that was emptied."""
        assert next_line(following) == "two\n"
        audit.rename(audit.with_suffix(".1"))
        audit.write_text("rotated\n")
        assert next_line(following) == "rotated\n"
        audit.write_text("new\n")
        assert next_line(following) == "new\n"

    def test_a_planted_link(self, following: "subprocess.Popen[str]", audit: Path) -> None:
        """It is not followed in place of the file; a regular file later is."""
        assert next_line(following) == "two\n"
        audit.unlink()
        audit.symlink_to("/etc/passwd")
        time.sleep(1)
        audit.unlink()
        audit.write_text("regular\n")
        assert next_line(following) == "regular\n"
