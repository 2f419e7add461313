"""`drill`: which backup it takes, what it would do, and what there is to choose from when none matches."""

import json

import pytest

from deployer.commands.drill import _drill
from deployer.engine.facts import Ask
from deployer.engine.oneoff import OneOff
from deployer.engine.plan import asked_of_host
from deployer.errors import UsageError
from deployer.steps import backup, host_program
from deployer.transport.protocol import Reply
from tests.unit.steps.hosts import converged

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

HOST = inventory()
LISTED = "".join(
    json.dumps({"id": f"biometric-did_{time}", "problem": problem, "manifest": {"time": "2025-10-12T02:00:00Z"}}) + "\n"
    for time, problem in (("20251012_020000", ""), ("20251012_140000", "a part is missing"), ("20251013_020000", ""))
)


def transport(listed: str = LISTED) -> FakeTransport:
    before = {step: converged(step, HOST) for step in (host_program, backup)}
    known = {probe: facts[key] for step, facts in before.items() for key, probe in step.probes(HOST).items()}
    asked = asked_of_host(HOST, (host_program, backup, OneOff("x", (), "")))
    answers = [known.get(probe, "") for probe in asked]
    return FakeTransport([Reply(0, reply_to([Ask("")], [listed]), b""), Reply(0, reply_to(asked, answers), b"")])


def test_dry_run() -> None:
    """The very list that a run applies: the backup is named, and so is the one that is skipped."""
    run, kept = run_on(HOST, transport(), choices(ts="20251012", dry_run=True, detailed_exitcode=True))
    assert _drill(run) == 10
    event, fields, text = kept.told[0]
    assert event == "chosen"
    assert fields == {
        "backup": "biometric-did_20251012_020000",
        "skipped": {"biometric-did_20251012_140000": "a part is missing"},
    }
    assert text.startswith("skipping biometric-did_20251012_140000, which is incomplete: a part is missing\n")
    assert kept.steps[-1].changes[0].why.startswith("restore biometric-did_20251012_020000 into a throwaway copy")


@pytest.mark.parametrize(("listed", "ts"), [(LISTED, "2024"), ("", "")])
def test_nothing_to_drill(listed: str, ts: str) -> None:
    """Exit 2; nothing but the list of backups is asked of the host."""
    asked = transport(listed)
    run, _ = run_on(HOST, asked, choices(ts=ts))
    with pytest.raises(UsageError):
        _drill(run)
    assert len(asked.scripts) == 1


def test_newest() -> None:
    """Without a prefix."""
    run, kept = run_on(HOST, transport(), choices(dry_run=True))
    assert _drill(run) == 0
    assert kept.told[0][1]["backup"] == "biometric-did_20251013_020000"
