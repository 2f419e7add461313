"""Restic with its credentials: what its exit codes mean, how it reaches a repository, and which secrets it shows."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from deployer.engine import host_program
from deployer.remote.config import FILE
from deployer.remote.failure import Failure
from deployer.remote.offsite import verbs
from deployer.remote.offsite.credentials import Credentials, sftp_command
from deployer.remote.offsite.push import push
from deployer.remote.offsite.restic import (
    ABSENT,
    LOCKED,
    NOT_INSTALLED,
    TIMED_OUT,
    WRONG_PASSWORD,
    Restic,
    exit_code,
)
from deployer.remote.process import Result
from tests.unit.remote.offsite.conftest import PASSWORD, Site, replace_restic

GONE = "unable to open config file: stat /x/config: no such file or directory\nIs there a repository at the following"
AWAY = "subprocess ssh: ssh: connect to host host port 22: Connection refused\nFatal: unable to open repository: EOF"
REFUSED = 'Fatal: unable to open config file: Head "http://x/config": connection refused\nIs there a repository at the'
PRINTED = {
    "0.14 absent": (1, f"Fatal: {GONE}", ABSENT),
    "0.14 absent, sftp": (1, "Fatal: unable to open config file: Lstat: file does not exist\nIs there a", ABSENT),
    "0.14 absent, rest": (1, "Fatal: unable to open config file: <config/> does not exist\nIs there a", ABSENT),
    "0.14 absent, s3": (1, "Fatal: unable to open config file: Stat: The specified key does not exist.\nIs", ABSENT),
    "0.18 absent": (10, f"Fatal: repository does not exist: {GONE}", ABSENT),
    "0.14 away": (1, AWAY, 1),
    "0.14 away, rest": (1, REFUSED, 1),
    "0.14 no such host": (1, "Fatal: unable to open config file: Head: lookup x: no such host\nIs there a", 1),
    "0.14 password": (1, "Fatal: wrong password or no key found", WRONG_PASSWORD),
    "0.18 password": (12, "Fatal: wrong password or no key found", WRONG_PASSWORD),
    "0.14 locked": (1, "unable to create lock in backend: repository is already locked by PID 7 on x", LOCKED),
    "0.18 locked": (11, "repo already locked, waiting up to 0s for the lock", LOCKED),
}


@pytest.mark.parametrize(("code", "printed", "meant"), PRINTED.values(), ids=list(PRINTED))
def test_what_restic_means(code: int, printed: str, meant: int) -> None:
    """Absent, locked and another password differ from merely away, whichever version says so."""
    assert exit_code(Result(code, printed.encode())) == meant


@pytest.mark.parametrize(
    ("repository", "called"),
    [
        ("sftp:user@host:/path", " user@host -s sftp"),
        ("sftp:host:path/a:b", " host -s sftp"),
        ("sftp://user@host:2222//path", " -p 2222 user@host -s sftp"),
        ("sftp://user@host/path", " user@host -s sftp"),
    ],
)
def test_how_ssh_is_called(repository: str, called: str) -> None:
    """As restic would, but that it neither asks nor waits for ever."""
    assert sftp_command(repository).endswith(called)
    assert "BatchMode=yes" in sftp_command(repository)


def test_lines_as_they_are() -> None:
    """No quote and no sign has a meaning; what is no variable is left out."""
    parsed = Credentials.parse(b"RESTIC_PASSWORD=it's $ecret \\ =x \n\nnot a variable\n1=x\nA-B=x", ("PASSWORD",))
    assert parsed.variables == {"RESTIC_PASSWORD": "it's $ecret \\ =x "}
    assert "ecret" not in repr(parsed)


class TestAsking:
    def question(self, site: Site) -> int:
        return Restic.of(site.host).ask("--no-cache", "--no-lock", "cat", "config").exit_code

    def test_the_real_one(self, pushed: Site) -> None:
        """There, with another password, and absent."""
        assert self.question(pushed) == 0
        pushed.supply(pushed.repository, "another")
        assert self.question(pushed) == WRONG_PASSWORD
        pushed.supply(f"{pushed.repository}-not")
        assert self.question(pushed) == ABSENT

    def test_no_answer(self, site: Site) -> None:
        """It is ended in time, and counts as away."""
        result = Restic.of(site.host).ask("cat", "config", limit=0.001)
        assert result.exit_code == TIMED_OUT

    def test_not_installed(self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The remedy is another one then."""
        monkeypatch.setenv("PATH", str(tmp_path))
        assert self.question(site) == NOT_INSTALLED
        with pytest.raises(Failure, match="restic is not installed; deployer provision installs it"):
            push(site.host)

    @pytest.mark.parametrize("content", [None, b"", b"RESTIC_PASSWORD=x\n"])
    def test_no_credentials(self, site: Site, content: bytes | None) -> None:
        """Named, with what writes them."""
        site.env.unlink() if content is None else site.env.write_bytes(content)
        with pytest.raises(Failure, match=r"offsite\.env names no repository"):
            verbs.offsite(site.host, ["list"])

    def test_a_planted_link(self, site: Site, tmp_path: Path) -> None:
        """A link in place of the credentials is not followed."""
        site.env.rename(tmp_path / "elsewhere")
        site.env.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Failure, match="names no repository"):
            push(site.host)

    def test_an_action_that_is_not_there(self, site: Site) -> None:
        """Exit code 2 and the actions that there are."""
        with pytest.raises(Failure, match=r"usage: offsite push\|list\|fetch") as failure:
            verbs.offsite(site.host, [])
        assert failure.value.exit_code == 2


class TestSecrets:
    def test_masked(
        self, pushed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Restic has the password in its environment; no argument has it, and what is printed has it masked."""
        does = f'env >{tmp_path}/env\ncase "$*" in *" backup "*) echo "Fatal: what is $RESTIC_PASSWORD?"; exit 1; esac'
        replace_restic(tmp_path, monkeypatch, f'{does}\nreal "$@"')
        pushed.backup(2)
        with pytest.raises(Failure) as failure:
            push(pushed.host)
        printed = capsys.readouterr().out + str(failure.value)
        assert "  | Fatal: what is [secret]?\n" in printed
        assert PASSWORD not in printed + (tmp_path / "argv").read_text()
        assert f"RESTIC_PASSWORD={PASSWORD}\n" in (tmp_path / "env").read_text()

    def test_errors_as_json(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """restic 0.17 prints them so: their text is shown, the last lines of it, masked."""
        text = "\\n".join(["one", "two", "three", "four", f"five {PASSWORD}", "six"])
        printed = f'{{"message_type":"exit_error","code":1,"message":"{text}"}}\n'
        Restic.of(site.host).print_end(Result(1, printed.encode()))
        assert capsys.readouterr().out == "  | two\n  | three\n  | four\n  | five [secret]\n  | six\n"


def test_by_hand(pushed: Site) -> None:
    """The verb becomes restic, which has the credentials, and the input and output of the person who calls it."""
    program = pushed.host.config.state / "remote.pyz"
    program.write_bytes(host_program.archive())
    program.with_name(FILE).write_text(json.dumps(asdict(pushed.host.config)))
    words = [sys.executable, *host_program.PYTHON[1:], str(program), "restic", "--no-cache"]
    ran = subprocess.run([*words, "cat", "config"], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["version"]
    assert subprocess.run([*words, "no-such-command"], capture_output=True, check=False).returncode == 1
    with subprocess.Popen([*words, "backup", "--stdin"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
        ignored = int(next(line for line in _status(running.pid) if line.startswith("SigIgn")).split()[1], 16)
        running.kill()
    assert not ignored & 1 << 12  # SIGPIPE is 13


def _status(pid: int) -> list[str]:
    """Once it is restic's."""
    status = Path(f"/proc/{pid}/status")
    while "restic" not in status.read_text().splitlines()[0]:
        pass
    return status.read_text().splitlines()
