"""Where the host program is missing, or of another version, each command that asks it names the one that mends that."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.backups import backup, offsite, restore, transfer, verification
from deployer.backups.catalogue import Backup
from deployer.commands import logs
from deployer.engine.host_program import MISSING
from deployer.errors import DeployerError
from deployer.run.host_run import HostRun
from deployer.transport.protocol import Reply
from tests.support.fakes import inventory
from tests.unit.commands.fakes import FakeTransport, choices, run_on

HOST = inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "/mnt/offsite"})
ASKING: dict[str, Callable[[HostRun], object]] = {
    "backup --dry-run": backup.show_estimate,
    "backups --verify": verification.verify,
    "backups --offsite": offsite.snapshots,
    "restore --dry-run": lambda run: restore.preview(run, Backup("web_20260102_030405"), ("data",)),
    "restore --from": lambda run: transfer.send(run, Path("/nowhere"), "web_20260102_030405"),
    "logs": lambda run: logs._ended(run, run.transport.run("true")),
}


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("exit_code", MISSING)
def test_another_version(command: str, exit_code: int) -> None:
    run, _ = run_on(HOST, FakeTransport([Reply(exit_code, b"", b"this host program has no verb x")]), choices())
    with pytest.raises(DeployerError, match="missing on this host, or of another version") as caught:
        ASKING[command](run)
    assert caught.value.remedy == "deployer provision --host web"
    assert "has no verb x" in caught.value.context.output
