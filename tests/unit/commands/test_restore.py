"""`restore`: what is refused before anything is sent, and how a backup travels."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.backups.transfer import archived, fetch, send
from deployer.commands.restore import GUIDE, _restore, restore
from deployer.engine.facts import Ask
from deployer.errors import DeployerError, UsageError
from deployer.transport.protocol import Reply

from .fakes import FakeTransport, Value, choices, inventory, reply_to, run_on

HOST = inventory()
ID = "biometric-did_20251012_020000"


def listed(*ids: str, problem: str = "") -> Reply:
    lines = "".join(json.dumps({"id": name, "problem": problem}) + "\n" for name in ids)
    return Reply(0, reply_to([Ask("")], [lines]), b"")


def backup(directory: Path, name: str = ID) -> Path:
    made = directory / name
    made.mkdir()
    (made / "part").write_bytes(b"x" * 3_000_001)
    (made / "SHA256SUMS").write_text(f"{'0' * 64}  part\n")
    return made


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"only": "everything"}, "--only everything: no such part"),
        ({"from_": "/somewhere", "dry_run": True}, "--from sends the backup to the host"),
    ],
)
def test_usage(values: dict[str, Value], what: str) -> None:
    """Refused before a host is even chosen."""
    with pytest.raises(UsageError, match=what):
        restore(choices(**values))


def test_nobody_to_ask() -> None:
    """Without a terminal and without --yes nothing is replaced; the chosen backup was shown before."""
    run, report = run_on(HOST, FakeTransport([listed(ID)]), choices(ts="2025"))
    with pytest.raises(UsageError, match="about to replace data, config, ssl of web"):
        _restore(run)
    assert [(event, fields["id"]) for event, fields, _ in report.told] == [("chosen", ID)]


def test_a_database_that_is_not_there() -> None:
    """It is said before the host is asked."""
    run, _ = run_on(HOST, FakeTransport(), choices(only="database"))
    with pytest.raises(UsageError, match="--only database: this deployment has no database"):
        _restore(run)


def test_none_that_is_complete() -> None:
    """Those that there are are listed, each with what it lacks."""
    run, _ = run_on(HOST, FakeTransport([listed(ID, problem="SHA256SUMS is missing")]), choices(ts="2025"))
    with pytest.raises(UsageError, match=f"{ID} \\(incomplete: SHA256SUMS is missing\\)"):
        _restore(run)


def test_no_host_program() -> None:
    """A dry run puts none in place: it ends with what does."""
    run, _ = run_on(HOST, FakeTransport([Reply(0, reply_to([Ask("")], [2]), b"")]), choices(dry_run=True))
    with pytest.raises(DeployerError, match="The backups on this host cannot be listed") as caught:
        _restore(run)
    assert caught.value.remedy == "deployer provision --host web"


@pytest.mark.parametrize("name", ["other_20251012_020000", "biometric-did_2025", "backup"])
def test_from_what_is_no_backup(name: str, tmp_path: Path) -> None:
    """Another application's, or any directory: nothing is sent."""
    transport = FakeTransport()
    run, _ = run_on(HOST, transport, choices())
    with pytest.raises(UsageError, match="this is not the directory of a backup"):
        fetch(run, str(backup(tmp_path, name)), "", GUIDE)
    assert transport.scripts == []


def test_stream(tmp_path: Path) -> None:
    """What arrives is an archive of exactly its files, in pieces."""
    made = backup(tmp_path)
    pieces = list(archived(made))
    assert max(map(len, pieces)) <= 1 << 20
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        assert {name: file.read() for name, file in files.items() if file} == {
            path.name: path.read_bytes() for path in made.iterdir()
        }


def test_nothing_else_is_sent(tmp_path: Path) -> None:
    """Somebody else made the directory: what its sums do not name stays here."""
    made = backup(tmp_path)
    (made / "notes").write_text("a file of the operator's")
    with tarfile.open(fileobj=io.BytesIO(b"".join(archived(made)))) as archive:
        assert sorted(archive.getnames()) == ["SHA256SUMS", "part"]


def as_link(made: Path) -> None:
    (made / "part").unlink()
    (made / "part").symlink_to("/etc/passwd")


def as_pipe(made: Path) -> None:
    (made / "part").unlink()
    os.mkfifo(made / "part")


def as_linked_sums(made: Path) -> None:
    (made / "SHA256SUMS").rename(made / "sums")
    (made / "SHA256SUMS").symlink_to("sums")


def as_missing(made: Path) -> None:
    (made / "part").unlink()


@pytest.mark.parametrize("change", [as_link, as_pipe, as_linked_sums, as_missing])
def test_only_regular_files_are_sent(change: Callable[[Path], None], tmp_path: Path) -> None:
    """A link would send a file of this machine, a key for example; a pipe would be waited for."""
    made = backup(tmp_path)
    change(made)
    with pytest.raises(UsageError, match=f"--from {made}: "):
        list(archived(made))


def test_a_transfer_that_fails(tmp_path: Path) -> None:
    """The host's own output, and what to do."""
    run, _ = run_on(HOST, FakeTransport([Reply(1, b"part is damaged\n", b"")]), choices())
    with pytest.raises(DeployerError, match=f"{ID} did not arrive complete") as caught:
        send(run, backup(tmp_path), ID)
    assert "part is damaged" in caught.value.context.output
    assert "run this command again" in caught.value.remedy
