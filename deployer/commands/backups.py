"""`backups`: which there are, how old and large, of which release, and when they were last read again."""

from dataclasses import asdict
from datetime import UTC, datetime

from deployer.backups import catalogue as words
from deployer.backups.catalogue import Backup
from deployer.backups.offsite import TOLD, copied
from deployer.errors import Context, DeployerError
from deployer.run.command import COMMON, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts

_HEAD = f"{'backup':36}  {'age':>8}  {'size':>9}  {'files':>8}  {'release':24}  {'verified':20}  parts"


LIMIT = 12 * 3600
"""Seconds for reading all of them again."""


def backups(choices: Choices) -> int:
    return on_hosts(choices, _backups)


def _backups(run: HostRun) -> int:
    damaged = _verified(run) if run.choices.flag("verify") else {}
    _tell(run)
    if damaged:
        run.verdicts.add("failed")
        raise DeployerError(
            "\n".join(damaged.values()),
            remedy=f"make another: deployer backup --host {run.host.host_name}; look at the host's disk (dmesg)",
            context=Context(run.host.host_name),
        )
    run.verdicts.add("unchanged")
    return 0


def _tell(run: HostRun) -> None:
    head, now = f"{_HEAD}\n", datetime.now(UTC)
    offsite = run.choices.flag("offsite")
    found = copied(run) if offsite else known(run)
    for backup in found:
        fields = asdict(backup)
        told = {name: fields[name] for name in TOLD} if offsite else fields
        run.report.data("backup", told, head + line(backup, now))
        head = ""
    if not found:
        what = "no off-site copy yet" if offsite else "no backup yet"
        run.report.data("note", {"text": what}, f"{what}: deployer backup --host {run.host.host_name}")


def _verified(run: HostRun) -> dict[str, str]:
    """Have the host read all of them; gives what is wrong, by the backup's id."""
    from deployer.backups.scripts.backup import verification

    wrong: dict[str, str] = {}
    reply = run.transport.run(verification(run.host), limit=LIMIT)
    for line in reply.output.decode(errors="replace").splitlines():
        backup, _, said = line.partition(" ")
        run.report.data("verified", {"id": backup, "said": said}, said or f"{backup} is sound")
        if said:
            wrong[backup] = said
    if reply.exit_code != 0:
        output = reply.error.decode(errors="replace")
        raise DeployerError("the backups could not be read", context=Context(run.host.host_name, output=output))
    return wrong


def known(run: HostRun) -> tuple[Backup, ...]:
    """All that lie on the host, oldest first; one round trip."""
    from deployer.backups.scripts.backup import shelf

    return words.parse(run.transport.run(shelf(run.host), limit=60).output.decode(errors="replace"))


def line(backup: Backup, now: datetime) -> str:
    if backup.missing:
        return f"{backup.id:36}  not whole: {backup.missing}"
    size = f"{backup.size / 1e6:,.1f} MB"
    verified = backup.verified or ("when it was made" if backup.parts else "")
    files = backup.files or ""
    told = f"{backup.id:36}  {age(backup, now):>8}  {size:>9}  {files:>8}  {backup.release:24}  {verified:20}"
    return f"{told}  {', '.join(backup.parts)}"


def age(backup: Backup, now: datetime) -> str:
    """In the largest unit of which there are two."""
    seconds = (now - datetime.fromisoformat(backup.time)).total_seconds()
    for unit, length in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


COMMAND = Command(
    backups,
    (
        *COMMON,
        Option("offsite", "those in the off-site repository instead", bool),
        Option("verify", "read every backup again, and check it against its sums and its list of files", bool),
    ),
)
