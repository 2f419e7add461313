"""`backup` and `backups`: a host's list of backups in, lines and exit codes out."""

import json
from datetime import UTC, datetime

import pytest

from deployer.backups.catalogue import Backup
from deployer.commands.backup import _backup
from deployer.commands.backups import _backups, line
from deployer.engine.facts import Ask
from deployer.errors import DeployerError
from deployer.steps import host_program
from deployer.transport.protocol import Reply
from tests.unit.steps.hosts import converged

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

HOST = inventory()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD = {
    "id": "web_20260101_020000",
    "problem": "",
    "manifest": {
        "time": "2026-01-01T02:00:00Z",
        "bytes": 12_300_000,
        "release": {"id": "r1", "commit": "abc"},
        "parts": [{"part": "volumes", "files": 7}, {"part": "ssl", "files": 1}, {"part": "files", "files": 0}],
    },
    "verified": "",
}
OTHER = {**GOOD, "id": "web_20260102_020000", "problem": "SHA256SUMS is missing"}


def listed(*backups: object) -> Reply:
    lines = "".join(json.dumps(backup) + "\n" for backup in backups)
    return Reply(0, reply_to([Ask("")], [lines]), b"")


def test_the_list() -> None:
    """A head, a line for each; for programs each with all that is known."""
    run, kept = run_on(HOST, FakeTransport([listed(GOOD, OTHER)]), choices())
    assert _backups(run) == 0
    (event, fields, first), (_, _, second) = kept.told
    assert (event, fields["size"], fields["parts"], fields["files"]) == ("backup", 12_300_000, ("volumes", "ssl"), 8)
    head, told = first.splitlines()
    assert head.split() == ["backup", "made", "size", "files", "release", "verified", "parts"]
    assert "12.3 MB         8  r1" in told
    assert told.endswith("when it was made      volumes, ssl")
    assert second == "web_20260102_020000                   incomplete: SHA256SUMS is missing"


def test_none() -> None:
    """The message names the command that makes one."""
    run, kept = run_on(HOST, FakeTransport([listed()]), choices())
    assert _backups(run) == 0
    assert kept.told[0][2] == "no backup yet: deployer backup --host web"


def test_when_it_was_verified() -> None:
    """The time at which it was read again."""
    assert "2026-01-02T00:00:00Z" in line(Backup("x", time=NOW.isoformat(), verified="2026-01-02T00:00:00Z"), NOW)


def test_a_host_that_cannot_list_them() -> None:
    """No python3, say: an error, and never an empty list."""
    run, _ = run_on(HOST, FakeTransport([Reply(0, reply_to([Ask("")], [127]), b"")]), choices())
    with pytest.raises(DeployerError, match="cannot be listed: failed with 127") as raised:
        _backups(run)
    assert raised.value.remedy == "deployer provision --host web"


class TestVerify:
    def test_all_sound(self) -> None:
        """Each is told; then the list, with the new times."""
        verified = {**GOOD, "verified": "2026-01-02T00:00:00Z"}
        run, kept = run_on(
            HOST, FakeTransport([Reply(0, b"web_20260101_020000 \n", b""), listed(verified)]), choices(verify=True)
        )
        assert _backups(run) == 0
        (event, fields, text), (_, _, table) = kept.told
        assert (event, fields, text) == ("verified", {"id": GOOD["id"], "problem": ""}, "web_20260101_020000 is intact")
        assert "2026-01-02T00:00:00Z" in table

    def test_a_damaged_one(self) -> None:
        """Exit 1, each named, after all were read and listed."""
        said = b"web_1 web_1 is damaged: x\nweb_2 \nweb_3 web_3 is incomplete: y\n"
        run, kept = run_on(HOST, FakeTransport([Reply(0, said, b""), listed(GOOD)]), choices(verify=True))
        with pytest.raises(DeployerError) as raised:
            _backups(run)
        assert (raised.value.exit_code, raised.value.what) == (1, "web_1 is damaged: x\nweb_3 is incomplete: y")
        assert "deployer backup --host web" in raised.value.remedy
        assert [event for event, _, _ in kept.told] == ["verified", "verified", "verified", "backup"]

    def test_the_reading_itself_fails(self) -> None:
        """Nothing is taken for sound then."""
        run, _ = run_on(HOST, FakeTransport([Reply(1, b"", b"read-only")]), choices(verify=True))
        with pytest.raises(DeployerError, match="could not be read"):
            _backups(run)


class TestDryRun:
    def test_what_is_expected(self) -> None:
        """Two questions, no lock, no job."""
        looked = Reply(0, b"volumes: 1.0 MB in data logs\nabout 17.0 MB are needed in /b, 5.0 MB are free\n", b"")
        known = converged(host_program, HOST)
        answers = [known[key] for key in host_program.probes(HOST)]
        transport = FakeTransport([looked, Reply(0, reply_to([Ask("")] * 5, [*answers, ""]), b"")])
        run, kept = run_on(HOST, transport, choices(dry_run=True, detailed_exitcode=True))
        assert _backup(run) == 10
        assert kept.told[0][1] == {"lines": looked.output.decode().splitlines()}
        assert [(step.name, step.verdict) for step in kept.steps] == [
            ("host_program", "unchanged"),
            ("backup", "would change"),
        ]
        assert all("flock" not in script for script in transport.scripts)

    def test_what_would_be_refused(self) -> None:
        """As the backup itself would end."""
        transport = FakeTransport([Reply(1, b"volumes: 0.0 MB\nnothing to back up: /x is missing\n", b"")])
        run, _ = run_on(HOST, transport, choices(dry_run=True))
        with pytest.raises(DeployerError, match=r"^nothing to back up: /x is missing$"):
            _backup(run)
