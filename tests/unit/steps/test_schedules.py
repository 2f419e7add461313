"""10.2 Schedules and log rotation."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.engine.changes import WriteFiles
from deployer.steps import schedules
from tests.support.fakes import inventory, planned

from .hosts import converged, drifted

HOST = inventory()


@pytest.mark.parametrize(("key", "path"), [("logrotate", "/etc/logrotate.d"), ("cron", "/etc/cron.d")])
def test_absent(key: str, path: str) -> None:
    """It is written."""
    assert drifted(schedules, HOST, **{key: ""}) == [f"write {path}/biometric-did (absent)"]


@pytest.mark.parametrize("differing", [{"active": "inactive"}, {"enabled": "disabled"}])
def test_cron_is_off(differing: dict[str, str]) -> None:
    """Without cron nothing is renewed: it is started, now and at boot."""
    assert drifted(schedules, HOST, **differing) == ["start cron, now and at boot"]


def test_cron_line() -> None:
    """Renewal twice a day at a minute of its own, backups and drills as the inventory says, a look at boot; logged."""
    text = schedules.files(HOST)["cron"].content.decode()
    renewal, backup, drill, boot = text.splitlines()[-4:]
    assert re.fullmatch(
        r"\d+ 3,15 \* \* \* root /opt/biometric-did/\.deployer/bin/renew >>/var/log/biometric-did-renew\.log 2>&1",
        renewal,
    )
    program, log = "/opt/biometric-did/.deployer/bin/backup", "/var/log/biometric-did-backup.log"
    assert backup == f"0 2 * * * root {program} >>{log} 2>&1"
    program, log = "/opt/biometric-did/.deployer/bin/drill", "/var/log/biometric-did-drill.log"
    assert drill == f"0 4 1 */3 * root {program} >>{log} 2>&1"
    recover, log = "/opt/biometric-did/.deployer/bin/recover", "/var/log/biometric-did-restore.log"
    assert boot == f"@reboot root {recover} >>{log} 2>&1"
    assert text.endswith("\n"), "cron ignores a last line without a newline"
    assert "%" not in text, "cron takes it for a newline"


def test_minute_depends_on_the_name() -> None:
    """Not every host asks the CA at the same time."""
    other = inventory(site={"domain": "other.example.org", "email": "a@example.org"})
    assert schedules.files(other)["cron"].content != schedules.files(HOST)["cron"].content


def test_no_restart_for_rotation() -> None:
    """The guide's nightly restart of the API is gone, and files keep their owner (F22)."""
    text = schedules.files(HOST)["logrotate"].content.decode()
    assert "restart" not in text.replace("restarted", "")
    ours = text[text.index("/opt/biometric-did/logs/") :].partition("\n}\n")[0]
    assert "copytruncate" in ours
    assert "create" not in ours


def test_checked_before() -> None:
    """logrotate reads the new file before it replaces the old one."""
    (change,) = planned(schedules, HOST, {**converged(schedules, HOST), "logrotate": ""})
    assert isinstance(change, WriteFiles)
    assert "logrotate -d" in change.check


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not here")
def test_logrotate_reads_it(tmp_path: Path) -> None:
    """The file as it is rendered is understood by logrotate itself."""
    file = tmp_path / "rules"
    file.write_bytes(schedules.files(HOST)["logrotate"].content)
    words = ["logrotate", "-d", "-s", str(tmp_path / "state"), str(file)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "error:" not in ran.stderr
