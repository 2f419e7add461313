"""A one-off step: made once for each run, whatever the host is like."""

from deployer.engine.changes import Script
from deployer.engine.facts import Ask, Facts
from deployer.engine.oneoff import OneOff
from tests.support.fakes import inventory, planned, script_of, whys

HOST = inventory()
BACKUP = OneOff("9.1 Backup", (Script("back up", "true"),), token="t1")


def test_made_and_recorded() -> None:
    """Its changes, and last the record that makes the plan empty."""
    changes = planned(BACKUP, HOST, {"done": ""})
    assert whys(changes) == ["back up", "record that it is done"]
    assert "t1" in script_of(changes[-1])
    assert planned(BACKUP, HOST, {"done": "t1"}) == ()


def test_of_another_run() -> None:
    """What an earlier run recorded does not count."""
    assert len(planned(BACKUP, HOST, {"done": "t0"})) == 2


def test_asks_for_what_it_records() -> None:
    """The question reads the file that the record writes, one for each title and host."""
    question = BACKUP.probes(HOST)["done"]
    assert isinstance(question, Ask)
    (record,) = list(BACKUP.plan(HOST, Facts.of(done="")))[1:]
    file = f"/run/deployer-{HOST.name}.done-backup"
    assert file in question.script
    assert file in script_of(record)
    other = OneOff("9.3 Restore drill", (), token="t1").probes(HOST)["done"]
    assert isinstance(other, Ask)
    assert file not in other.script
