"""`renew`: when a certificate is due, what a dry run shows, and what is refused."""

import pytest

from deployer.certificates.expiry import due_days, is_due, validity
from deployer.certificates.renewal import Renewal
from deployer.commands.renew import _renew
from deployer.engine.changes import Note, Script
from deployer.engine.facts import Answer, Facts
from deployer.engine.plan import asked_of_host
from deployer.errors import DeployerError
from deployer.inventory.model import Inventory
from deployer.steps import host_program
from deployer.transport.protocol import Reply
from tests.unit.steps.hosts import converged

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

DAY = 86400
NOW = 1_700_000_000
OWN = inventory()
ISSUED = inventory(tls={"mode": "letsencrypt"})
PROVIDED = OWN.model_copy(update={"tls": OWN.tls.model_copy(update={"mode": "provided"})})


def answers(left: int, lifetime: int = 90, installed: str = "d1 -", source: str = "d1 -", done: str = "") -> Facts:
    end = NOW + left * DAY
    dates = f"{end - lifetime * DAY}\n{end}" if source else ""
    known = {"installed": installed, "source": source, "dates": dates, "now": str(NOW), "done": done}
    return Facts({name: Answer(text) for name, text in known.items()})


def survey(host: Inventory, facts: Facts) -> Reply:
    """The host's reply to the questions of the steps; it has the host program."""
    answers = {
        **{probe: converged(host_program, host)[key] for key, probe in host_program.probes(host).items()},
        **{probe: facts.answers[key].output for key, probe in Renewal().probes(host).items()},
    }
    asked = asked_of_host(host, (host_program, Renewal()))
    return Reply(0, reply_to(asked, [answers[ask] for ask in asked]), b"")


@pytest.mark.parametrize(
    ("host", "left", "lifetime", "due"),
    [
        (ISSUED, 31, 90, False),
        (ISSUED, 29, 90, True),
        (ISSUED, 4, 6, False),
        (ISSUED, 2, 6, True),
        (OWN, 31, 365, False),
        (OWN, 29, 365, True),
    ],
)
def test_when_it_is_due(host: Inventory, left: int, lifetime: int, due: bool) -> None:
    """In certbot's last third (or half) of the lifetime; 30 days before the end where it is self-signed."""
    assert is_due(host, validity(host, answers(left, lifetime))) is due


def test_a_certificate_that_was_never_obtained_is_due() -> None:
    """nginx may serve a placeholder only."""
    found = validity(ISSUED, answers(0, source=""))
    assert is_due(ISSUED, found)
    assert (found.days_left, due_days(ISSUED, found)) == (0, 0)


class TestPlan:
    def test_once(self) -> None:
        """The certificate is renewed and the run marked; with the mark nothing is left to do, also when forced."""
        step = Renewal(force=True, token="t")
        renew, mark, note = step.plan(OWN, answers(80))
        assert isinstance(renew, Script)
        assert isinstance(mark, Script)
        assert isinstance(note, Note)
        assert renew.script.endswith("renew --force")
        assert "the one in place is served" in renew.why
        assert [type(item) for item in step.plan(OWN, answers(3, done="t"))] == [Note]

    def test_an_installation_that_failed(self) -> None:
        """The CA's new certificate is not due, but it is not installed: it is, without a new one."""
        renew, *_ = Renewal().plan(ISSUED, answers(80, source="d2 -"))
        assert isinstance(renew, Script)
        assert renew.why.startswith("install the certificate that the CA issued last")
        assert renew.script.endswith("remote.pyz renew")

    @pytest.mark.parametrize("force", [False, True])
    def test_provided(self, force: bool) -> None:
        """This tool cannot renew it: nothing is done, and the remedy is named."""
        (note,) = Renewal(force=force).plan(PROVIDED, answers(3))
        assert isinstance(note, Note)
        assert "deployer provision" in note.remedy


@pytest.mark.parametrize(
    ("left", "force", "code", "verdict"),
    [(80, False, 0, "unchanged"), (80, True, 10, "would change"), (3, False, 10, "would change")],
)
def test_a_dry_run_only_reads(left: int, force: bool, code: int, verdict: str) -> None:
    """One question, no lock, no job."""
    transport = FakeTransport([survey(OWN, answers(left))])
    chosen = choices(dry_run=True, force=force, detailed_exitcode=True)
    run, kept = run_on(OWN, transport, chosen)
    assert _renew(run) == code
    assert [(step.name, step.verdict) for step in kept.steps] == [("host_program", "unchanged"), ("renew", verdict)]
    assert "flock" not in transport.scripts[0]


def test_force_warns_of_the_weekly_limit() -> None:
    """Before anything is done, and only where Let's Encrypt is asked."""
    for host, events in ((ISSUED, ["note"]), (OWN, [])):
        run, kept = run_on(host, FakeTransport([survey(host, answers(80))]), choices(dry_run=True, force=True))
        _renew(run)
        assert [event for event, _, _ in kept.told] == events


def test_a_host_without_a_certificate_is_refused() -> None:
    """The remedy is to provision it first."""
    transport = FakeTransport([survey(OWN, answers(0, installed="", source=""))])
    run, _ = run_on(OWN, transport, choices(dry_run=True))
    with pytest.raises(DeployerError) as raised:
        _renew(run)
    assert raised.value.remedy == "deployer provision --host web"
