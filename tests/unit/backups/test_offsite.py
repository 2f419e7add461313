"""`backups --offsite`: what restic lists, as `backups` shows it; what is not known is left out."""

import json

import pytest

from deployer.commands.backups import _backups
from deployer.errors import DeployerError, UsageError
from deployer.inventory.model import Inventory
from deployer.output.report import Verdicts
from deployer.run.host_run import HostRun
from deployer.transport.protocol import Reply
from tests.support.fakes import inventory
from tests.unit.commands.fakes import FakeTransport, Kept, choices

HOST = inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "/mnt/offsite"})
MANIFEST = {"time": "2026-01-02T03:04:05Z", "bytes": 17000000, "release": {"id": "r1"}}
COPY = {"id": "web_20260102_030405", "problem": "", "manifest": MANIFEST, "verified": "", "snapshot": "ab12"}


def asked(reply: Reply, host: Inventory = HOST) -> Kept:
    kept = Kept()
    assert _backups(HostRun(host, FakeTransport([reply]), kept, choices(offsite=True), Verdicts())) == 0
    return kept


def test_listed() -> None:
    """Only what is known without fetching it; a count of files is not."""
    ((event, fields, text),) = asked(Reply(0, json.dumps(COPY).encode() + b"\n", b"")).told
    known = {"id": COPY["id"], "time": MANIFEST["time"], "size": 17000000, "release": "r1"}
    assert (event, fields) == ("backup", known)
    assert "17.0 MB" in text
    assert " 0 " not in text.splitlines()[-1]


def test_none_yet() -> None:
    """Said, with what makes one."""
    assert asked(Reply(0, b"", b"")).told[0][2] == "no off-site snapshot yet: deployer backup --host web"


def test_away() -> None:
    """Never taken for empty: the host's words, and where they are explained."""
    with pytest.raises(DeployerError, match="cannot be listed") as caught:
        asked(Reply(1, b"", b"  | Fatal: x\nthe snapshots cannot be listed: the repository cannot be reached"))
    assert "Fatal: x" in caught.value.context.output
    assert "docs/offsite.md" in caught.value.remedy


def test_no_repository() -> None:
    """A question that makes no sense is a usage error."""
    with pytest.raises(UsageError, match=r"backup\.offsite is not set"):
        asked(Reply(0, b"", b""), inventory())
