"""`renew`: when it is time, what is said without doing anything, and what is refused."""

import pytest

from deployer.certificates.expiry import asked, due_days, is_due, reason, standing
from deployer.commands.renew import _renew
from deployer.errors import DeployerError
from deployer.inventory.model import Inventory
from deployer.transport.protocol import Reply

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

DAY = 86400
NOW = 1_700_000_000
OWN = inventory()
ISSUED = inventory(tls={"mode": "letsencrypt"})


def survey(host: Inventory, left: int, lifetime: int = 90, digest: str = "d1 -") -> bytes:
    end = NOW + left * DAY
    return reply_to(asked(host), [digest, f"{end - lifetime * DAY}\n{end}", str(NOW)])


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
def test_when_it_is_time(host: Inventory, left: int, lifetime: int, due: bool) -> None:
    """certbot's third (or half) of the lifetime; 30 days where it is self-signed."""
    assert is_due(host, standing(host, survey(host, left, lifetime))) is due


def test_a_certificate_that_was_never_obtained_is_due() -> None:
    """nginx may stand there with its placeholder only."""
    found = standing(ISSUED, reply_to(asked(ISSUED), ["d1 -", "", str(NOW)]))
    assert is_due(ISSUED, found)
    assert due_days(ISSUED, found) == 0
    assert "0 days left" in reason(ISSUED, found, force=False)


@pytest.mark.parametrize(
    ("left", "force", "code", "verdict"),
    [(80, False, 0, "unchanged"), (80, True, 10, "would change"), (3, False, 10, "would change")],
)
def test_a_dry_run_only_reads(left: int, force: bool, code: int, verdict: str) -> None:
    """One question, no lock, no job."""
    transport = FakeTransport([Reply(0, survey(OWN, left), b"")])
    chosen = choices(dry_run=True, force=force, detailed_exitcode=True)
    run, kept = run_on(OWN, transport, chosen)
    assert _renew(run) == code
    assert kept.steps[0].verdict == verdict
    assert "flock" not in transport.scripts[0]


def test_force_warns_of_the_weekly_limit() -> None:
    """Before anything is done, and only where Let's Encrypt is asked."""
    for host, events in ((ISSUED, ["note"]), (OWN, [])):
        run, kept = run_on(host, FakeTransport([Reply(0, survey(host, 80), b"")]), choices(dry_run=True, force=True))
        _renew(run)
        assert [event for event, _, _ in kept.told] == events


def test_a_host_without_a_certificate_is_refused() -> None:
    """Politely: provision comes first."""
    transport = FakeTransport([Reply(0, reply_to(asked(OWN), ["", "", str(NOW)]), b"")])
    run, _ = run_on(OWN, transport, choices(dry_run=True))
    with pytest.raises(DeployerError) as raised:
        _renew(run)
    assert raised.value.remedy == "deployer provision --host web"
