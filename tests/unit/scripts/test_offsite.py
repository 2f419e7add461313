"""offsite.sh and restic.sh with real bash, against a restic that is told what to say, and the real one where it is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.fakes import IS_ROOT

from .restic import PASSWORD, Restic

AWAY = "subprocess ssh: ssh: connect to host host port 22: Connection refused\nFatal: unable to open repository: EOF"
ABSENT = "unable to open config file: stat /x/config: no such file or directory\nIs there a repository at the following"
REFUSED = 'Fatal: unable to open config file: Head "http://x/config": connection refused\nIs there a repository at the'
SAID = {
    "0.14 absent": (1, f"Fatal: {ABSENT}", 10),
    "0.14 absent, sftp": (1, "Fatal: unable to open config file: Lstat: file does not exist\nIs there a", 10),
    "0.14 absent, rest": (1, "Fatal: unable to open config file: <config/> does not exist\nIs there a", 10),
    "0.14 absent, s3": (1, "Fatal: unable to open config file: Stat: The specified key does not exist.\nIs there", 10),
    "0.18 absent": (10, f"Fatal: repository does not exist: {ABSENT}", 10),
    "0.14 away": (1, AWAY, 1),
    "0.14 away, rest": (1, REFUSED, 1),
    "0.14 no such host": (1, "Fatal: unable to open config file: Head: lookup x: no such host\nIs there a", 1),
    "0.14 password": (1, "Fatal: wrong password or no key found", 12),
    "0.18 password": (12, "Fatal: wrong password or no key found", 12),
    "0.14 locked": (1, "unable to create lock in backend: repository is already locked by PID 7 on x", 11),
    "0.18 locked": (11, "repo already locked, waiting up to 0s for the lock", 11),
}
needs_root = pytest.mark.skipif(not IS_ROOT, reason="the lock and the file are root's, as on a host")


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    return Restic.made(tmp_path)


@pytest.mark.parametrize(("code", "said", "meant"), SAID.values(), ids=list(SAID))
def test_what_restic_means(restic: Restic, code: int, said: str, meant: int) -> None:
    """Absent, locked and another password are told from merely away, whichever restic says so."""
    restic.answer("cat", code, said)
    assert restic.run("repository_opens")[0] == meant


@needs_root
@pytest.mark.parametrize("name", [name for name in SAID if "absent" not in name])
def test_no_second_repository(restic: Restic, name: str) -> None:
    """A new one is never made where one may be."""
    code, said, _ = SAID[name]
    restic.answer("cat", code, said)
    restic.backup(1)
    result, told = restic.run("offsite_push")
    assert result == 1
    assert told.splitlines()[-1].startswith("the local backup is complete; copying it off-site failed: ")
    assert len(restic.asked) == 1


@needs_root
def test_a_repository_that_is_gone(restic: Restic) -> None:
    """It is made once; where it was, none is made again, unless a person says so."""
    restic.answer("cat", 10, "Fatal: no such repository")
    assert restic.run("offsite_push")[0] == 0
    code, told = restic.run("offsite_push")
    assert code == 1
    assert sum(words.endswith("init") for words in restic.asked) == 1
    known = re.search(r"rm (\S+)", told)
    assert known
    Path(known[1]).unlink()
    assert restic.run("offsite_push")[0] == 0


@needs_root
def test_only_what_is_missing(restic: Restic) -> None:
    """Each backup once, the newest first, tagged with its id, at its own time; then retention that keeps the newest."""
    first = restic.backup(1)
    assert restic.run("offsite_push")[0] == 0
    second, third = restic.backup(2), restic.backup(3)
    code, told = restic.run("offsite_push")
    assert code == 0, told
    assert re.findall("copied (.*)", told) == [third, second]
    pushed = [words for words in restic.asked if " backup " in words]
    assert [re.findall(r"--tag (unit\S+)", words)[0] for words in pushed] == [first, third, second]
    assert "--time 2026-01-03 03:04:05 " in pushed[1]
    assert "--tag size=4 --tag release=r1" in pushed[1]
    forget = next(words for words in restic.asked if "forget" in words)
    assert forget.endswith("--tag deployer --host unit --group-by host --keep-within 30d --keep-last 7")


@needs_root
def test_what_is_not_whole_is_not_copied(restic: Restic) -> None:
    """A part that is missing here would be missing there."""
    name = restic.backup(1)
    next((restic.directory / "backups" / name).glob("*_ssl.*")).unlink()
    assert restic.run("offsite_push")[0] == 0
    assert not [words for words in restic.asked if " backup " in words]


@needs_root
def test_half_a_copy_counts_as_none(restic: Restic) -> None:
    """What restic could not read as a whole (exit code 3) is removed there, and copied at the next time."""
    name = restic.backup(1)
    restic.answer("backup", 3, "Warning: at least one source file could not be read")
    code, told = restic.run("offsite_push")
    assert code == 1
    assert f"{name} could not be read completely" in told
    assert restic.run("offsite_list")[1] == ""
    (restic.directory / "answers" / "backup").unlink()
    assert restic.run("offsite_push")[0] == 0
    assert name in restic.run("offsite_list")[1]


@needs_root
def test_secrets(restic: Restic) -> None:
    """Restic has the password in its environment; no argument holds it, and what is told has it masked."""
    restic.backup(1)
    restic.answer("backup", 1, f"Fatal: what is {PASSWORD}?")
    code, told = restic.run("offsite_push")
    assert (code, PASSWORD in told, "what is [secret]?" in told) == (1, False, True)
    assert PASSWORD not in "\n".join(restic.asked)
    assert f"RESTIC_PASSWORD={PASSWORD}\n" in (restic.directory / "env").read_text()


@needs_root
def test_weekly(restic: Restic) -> None:
    """Not before a week is over; damage is said, and looked for again at the next backup."""
    assert restic.run("offsite_push")[0] == 0
    assert restic.run("offsite_push")[0] == 0
    assert sum("check" in words for words in restic.asked) == 1
    stamp = restic.directory / "root/.deployer/offsite/checked"
    subprocess.run(["touch", "-d", "8 days ago", stamp], check=True)
    restic.answer("check", 1, "Pack ID does not match\nFatal: repository contains errors")
    for _ in range(2):
        code, told = restic.run("offsite_push")
        assert code == 1
        assert "restic check finds the repository damaged" in told.splitlines()[-1]
    assert [words[-3:] for words in restic.asked if "check" in words] == ["1/4", "2/4", "2/4"]


@pytest.mark.parametrize(
    ("repository", "called"),
    [
        ("sftp:user@host:/path", " user@host -s sftp"),
        ("sftp:host:path/a:b", " host -s sftp"),
        ("sftp://user@host:2222//path", " -p 2222 user@host -s sftp"),
        ("sftp://user@host/path", " user@host -s sftp"),
    ],
)
def test_how_ssh_is_called(restic: Restic, repository: str, called: str) -> None:
    """As restic would, but that it neither asks nor waits for ever."""
    told = restic.run(f"sftp_command {repository}")[1]
    assert told.endswith(called)
    assert "BatchMode=yes" in told


NEW = f"RESTIC_REPOSITORY=sftp:user@host:/path\nRESTIC_PASSWORD=new-{PASSWORD}\n"
OTHER = f"RESTIC_REPOSITORY=/mnt/other\nRESTIC_PASSWORD=new-{PASSWORD}\n"


@needs_root
@pytest.mark.parametrize(
    ("state", "new", "taken"),
    [
        ("0.14 password", NEW, False),
        ("0.18 password", OTHER, False),
        ("0.14 away", NEW, False),
        ("0.14 away", OTHER, True),
        ("0.18 absent", NEW, True),
        ("", NEW, True),
    ],
)
def test_a_password_that_changed(restic: Restic, state: str, new: str, taken: bool) -> None:
    """It replaces the one in place only where it is proved to open the repository, or there is none to open."""
    payload, before = restic.directory / "payload", restic.credentials.read_text()
    payload.write_text(new)
    if state:
        restic.answer("cat", *SAID[state][:2])
    code, told = restic.run("install_credentials", PAYLOAD=str(payload))
    assert (code == 0, restic.credentials.read_text()) == (taken, new if taken else before)
    assert taken or "restic key passwd" in told
    assert PASSWORD not in told
    assert not taken or restic.credentials.stat().st_mode & 0o777 == 0o600


@needs_root
@pytest.mark.skipif(shutil.which("restic") is None, reason="there is no restic here")
def test_with_the_real_restic(restic: Restic) -> None:
    """Made, filled, listed, fetched; another password and a place that is away are told apart."""
    (restic.directory / "restic").unlink()
    repository = restic.directory / "repository"
    restic.credentials.write_text(f"RESTIC_REPOSITORY={repository}\nRESTIC_PASSWORD={PASSWORD}\n")
    name = restic.backup(1)
    code, told = restic.run("offsite_push")
    assert code == 0, told
    listed = restic.run("offsite_list")[1]
    assert f'"id": "{name}"' in listed
    assert '"time": "2026-01-01T03:04:05Z", "bytes": 4' in listed
    place = restic.directory / "backups" / name
    kept = {path.name: path.read_bytes() for path in place.iterdir()}
    shutil.rmtree(place)
    assert restic.run("verify_backup() { :; }", "offsite_fetch latest")[0] == 0
    assert {path.name: path.read_bytes() for path in place.iterdir()} == kept
    restic.credentials.write_text(f"RESTIC_REPOSITORY={repository}\nRESTIC_PASSWORD=another\n")
    assert restic.run("repository_opens")[0] == 12
    restic.credentials.write_text(f"RESTIC_REPOSITORY={repository}-not\nRESTIC_PASSWORD=another\n")
    assert restic.run("repository_opens")[0] == 10
