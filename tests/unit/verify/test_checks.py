"""The tuple of checks: what a new module has to observe."""

from deployer.verify.checks import CHECKS
from deployer.verify.target import Site

SITE = Site("wallet.example.com", "api.wallet.example.com", aliases=("www.example.com",))


def test_names_are_unique() -> None:
    """A check that is late is reported by its name."""
    assert len({check.NAME for check in CHECKS}) == len(CHECKS)


def test_a_key_is_one_request() -> None:
    """All checks' requests are made together, so the same key must not mean two requests."""
    made = [item for check in CHECKS for item in check.requests(SITE).items()]
    for key in {key for key, _ in made}:
        assert len({repr(request) for found, request in made if found == key}) == 1, key
