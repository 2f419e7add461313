"""`backups`: list the backups with their age, size and release, and when each was last verified."""

from dataclasses import asdict
from datetime import UTC, datetime

from deployer.backups.catalogue import Backup, on_host
from deployer.backups.offsite import FIELDS, snapshots
from deployer.backups.verification import verify
from deployer.run.command import COMMON, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.text.times import ago

_HEAD = f"{'backup':36}  {'made':>14}  {'size':>9}  {'files':>8}  {'release':24}  {'verified':20}  parts"


def backups(choices: Choices) -> int:
    return on_hosts(choices, _backups)


def _backups(run: HostRun) -> int:
    damaged = verify(run) if run.choices.flag("verify") else {}
    _show(run)
    if damaged:
        run.verdicts.add("failed")
        remedy = (
            f"Make another one with `deployer backup --host {run.host.host_name}`, and check the disk with `dmesg`."
        )
        raise run.error("\n".join(damaged.values()), remedy=remedy)
    run.verdicts.add("unchanged")
    return 0


def _show(run: HostRun) -> None:
    head, now = f"{_HEAD}\n", datetime.now(UTC)
    offsite = run.choices.flag("offsite")
    found = snapshots(run) if offsite else on_host(run)
    for backup in found:
        fields = asdict(backup)
        known = {name: fields[name] for name in FIELDS} if offsite else fields
        run.report.data("backup", known, head + line(backup, now))
        head = ""
    if not found:
        what = "no off-site snapshot yet" if offsite else "no backup yet"
        run.report.data("note", {"text": what}, f"{what}: deployer backup --host {run.host.host_name}")


def line(backup: Backup, now: datetime) -> str:
    """The row of the table."""
    if backup.problem:
        return f"{backup.id:36}  incomplete: {backup.problem}"
    size = f"{backup.size / 1e6:,.1f} MB"
    verified = backup.verified or ("when it was made" if backup.parts else "")
    files = backup.files or ""
    columns = f"{backup.id:36}  {ago(backup.time, now):>14}  {size:>9}  {files:>8}  {backup.release:24}  {verified:20}"
    return f"{columns}  {', '.join(backup.parts)}"


COMMAND = Command(
    backups,
    (
        *COMMON,
        Option("offsite", "list the off-site snapshots instead", bool),
        Option("verify", "verify every backup against its checksums and its list of files", bool),
    ),
    examples=("--host prod", "--host prod --verify"),
)
