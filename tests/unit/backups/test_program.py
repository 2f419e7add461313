"""What cron runs for a backup: the host program, and bash only for what copies backups elsewhere."""

import subprocess

from deployer.backups.backup import changes
from deployer.backups.programs import backup_program
from deployer.engine.changes import Script
from deployer.engine.host_program import cron_entry
from tests.support.fakes import inventory

OFFSITE = inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "/mnt/offsite"})


def test_without_snapshots() -> None:
    """The host program alone."""
    assert backup_program(inventory()) == cron_entry(inventory(), "backup")


def test_with_snapshots() -> None:
    """It makes the backup under the lock; what copies it follows without the lock, and only after a success."""
    program = backup_program(OFFSITE)
    made, _, copied = program.content.decode().splitlines()[-1].partition(" && exec ")
    assert made.endswith("remote.pyz cron backup")
    assert copied.endswith("remote.pyz cron offsite push")
    subprocess.run(["sh", "-n"], input=program.content, check=True)


def test_the_command() -> None:
    """It runs the same program, which uses the lock of the run."""
    for host, titles in ((inventory(), ["9.1 Backup"]), (OFFSITE, ["9.1 Backup", "9.3 Off-site"])):
        steps = changes(host)
        assert list(steps)[:1] == titles[:1]
        assert len(steps) == len(titles)
        (change,) = steps["9.1 Backup"]
        assert isinstance(change, Script)
        assert change.script.endswith("remote.pyz backup")
