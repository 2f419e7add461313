"""Copying backups into a real repository: what is missing, once; retention, and the weekly check."""

import fcntl
import json
import os
import re
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deployer.engine import host_program
from deployer.remote import lock
from deployer.remote.__main__ import main
from deployer.remote.config import FILE
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.offsite import push as pushing
from deployer.remote.offsite.push import push
from deployer.remote.offsite.restic import Restic
from tests.unit.remote.offsite.conftest import FIRST, Site, replace_restic

LOCAL_COUNTS = "the local backup is complete; copying it off-site failed: "


def fails(site: Site) -> str:
    """Why a push fails."""
    with pytest.raises(Failure) as failure:
        push(site.host)
    assert str(failure.value).startswith(LOCAL_COUNTS)
    return str(failure.value).removeprefix(LOCAL_COUNTS)


class TestRepository:
    def test_gone(self, pushed: Site) -> None:
        """It is made once; where it was, none is made again, unless a person says so."""
        shutil.rmtree(pushed.repository)
        known = re.search(r"^the repository is gone: .* To begin a new one: rm (\S+)$", fails(pushed))
        assert known
        assert not pushed.repository.exists()
        Path(known[1]).unlink()
        push(pushed.host)
        assert pushed.repository.exists()

    def test_another_password(self, pushed: Site) -> None:
        """It is no reason to make another one."""
        pushed.supply(pushed.repository, "another")
        assert "RESTIC_PASSWORD is not the repository's" in fails(pushed)

    def test_away(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """No other one is made where one may be; ssh's own message is shown."""
        site.supply("sftp://127.0.0.1:1//copies")
        assert "the repository does not open: the repository cannot be reached or used" in fails(site)
        assert "Connection refused" in capsys.readouterr().out

    def test_another_run(self, pushed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two do not copy at the same time."""
        monkeypatch.setattr(pushing, "LOCK_SECONDS", 0.0)
        with (pushed.host.config.offsite / "lock").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert fails(pushed) == "another run is copying backups"
        push(pushed.host)


class TestCopying:
    def test_only_what_is_missing(self, pushed: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """Each backup once, the latest first, with its id, size and release, at its own time."""
        second, third = pushed.backup(2), pushed.backup(3)
        push(pushed.host)
        printed = capsys.readouterr().out
        assert re.findall("copied (.*)", printed) == [third, second]
        assert printed.endswith("off-site: 3 snapshots in the repository\n")
        assert list(pushed.there) == [FIRST, second, third]
        found = pushed.there[second]
        assert (found.time, found.bytes, found.release) == ("2026-01-02T03:04:05Z", 4, "r1")

    def test_retention(self, site: Site) -> None:
        """The days count from the latest; so many stay, however old they are."""
        names = [site.backup(day) for day in (1, 2, 20, 21)]
        for keep_min, kept in ((3, names[1:]), (1, names[2:])):
            keep = replace(site.host.config.backup, keep_days=5, keep_min=keep_min)
            push(Host(replace(site.host.config, backup=keep)))
            assert list(site.there) == kept

    def test_an_incomplete_one(self, site: Site) -> None:
        """A part that is missing here would be missing there."""
        next((site.backups / site.backup(1)).glob("*_ssl.*")).unlink()
        push(site.host)
        assert site.there == {}

    def test_half_a_snapshot(self, pushed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What restic could read only in part (exit code 3) is removed there, and copied the next time."""
        name = pushed.backup(2)
        replace_restic(tmp_path, monkeypatch, 'real "$@" || exit\ncase "$*" in *" backup "*) exit 3; esac')
        assert f"{name} could not be read completely" in fails(pushed)
        assert list(pushed.there) == [FIRST]
        monkeypatch.undo()
        push(pushed.host)
        assert list(pushed.there) == [FIRST, name]

    def test_killed(self, pushed: Site) -> None:
        """After a run that was killed while it copied, its snapshot is removed, and made again."""
        before = pushed.there[FIRST].snapshots
        (pushed.host.config.offsite / "pushing").write_text(f"{FIRST}\n")
        push(pushed.host)
        assert pushed.there[FIRST].snapshots != before
        assert len(pushed.there[FIRST].snapshots) == 1

    def test_a_stale_lock(self, pushed: Site) -> None:
        """A restic that was killed leaves its lock: it is removed."""
        (held,) = _locks_of_a_killed_restic(pushed)
        push(pushed.host)
        assert not held.exists()


def _locks_of_a_killed_restic(site: Site) -> list[Path]:
    """What a `restic backup` leaves that is killed before its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(reading, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        Restic.of(site.host).become("backup", "--stdin")
    locks = site.repository / "locks"
    deadline = time.monotonic() + 30
    while not (found := [path for path in locks.iterdir() if "tmp" not in path.name]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    for handle in (reading, writing):
        os.close(handle)
    return found


class TestWeekly:
    def test_not_before_a_week_is_over(self, pushed: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """Each check reads the next quarter."""
        push(pushed.host)
        self.make_due(pushed)
        push(pushed.host)
        assert re.findall("read quarter (.*)", capsys.readouterr().out) == ["2 of 4"]

    def test_damage(self, pushed: Site, capsys: pytest.CaptureFixture[str]) -> None:
        """It is reported at every backup, until the check finds none."""
        packs = [path for path in (pushed.repository / "data").rglob("*") if path.is_file()]
        for path in packs:
            path.chmod(0o600)
            path.rename(path.with_suffix(".kept"))
            path.write_bytes(path.with_suffix(".kept").read_bytes()[:-1])
        self.make_due(pushed)
        for _ in range(2):
            assert fails(pushed).startswith("restic check finds the repository damaged; see docs/offsite.md")
        for path in packs:
            path.with_suffix(".kept").rename(path)
        push(pushed.host)
        assert "read quarter 2 of 4" in capsys.readouterr().out

    @pytest.mark.parametrize("content", ["x", "9" * 1000])
    def test_a_damaged_stamp(self, pushed: Site, content: str, capsys: pytest.CaptureFixture[str]) -> None:
        """It counts as none."""
        (pushed.host.config.offsite / "checked").write_text(content)
        self.make_due(pushed)
        push(pushed.host)
        assert "read quarter 1 of 4" in capsys.readouterr().out.splitlines()[-2]

    def make_due(self, site: Site) -> None:
        stamp, ago = site.host.config.offsite / "checked", time.time() - 8 * 86_400
        os.utime(stamp, (ago, ago))


def test_cron_without_the_lock(
    pushed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It neither takes nor awaits the lock of the host, and each line of its log has its time."""
    program = tmp_path / "remote.pyz"
    program.write_bytes(host_program.archive())
    (tmp_path / FILE).write_text(json.dumps(asdict(pushed.host.config)))
    monkeypatch.setattr(lock, "SECONDS", 0.0)
    monkeypatch.setattr(lock, "DIRECTORY", tmp_path)
    with lock._file(pushed.host.config).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["cron", "offsite", "push"], program) == 0
    assert re.search("^[0-9-]{10}T[0-9:]{8}Z off-site: 1 snapshots in the repository$", capsys.readouterr().out, re.M)
