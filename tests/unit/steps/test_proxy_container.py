"""4. Nginx container."""

import pytest

from deployer.engine.changes import Script
from deployer.site.compose import BACKEND, PROXY
from deployer.steps import GUIDE, UPDATE, proxy_container
from tests.support.fakes import inventory, planned

from .hosts import container, drifted

HOST = inventory()
REPLACE = "replace the proxy's container by one of nginx:alpine, with about a second of downtime (measured)"


def test_other_settings() -> None:
    """The one case with a gap: it says so, and is not broken off half-way."""
    (change,) = planned(proxy_container, HOST, {"containers": container(HOST, PROXY, config="other")})
    assert isinstance(change, Script)
    assert change.why == REPLACE
    assert change.critical
    assert change.script.endswith("remote.pyz proxy replace")


def test_changed_by_hand() -> None:
    """What it runs with is named, though its label says all is well."""
    (why,) = drifted(proxy_container, HOST, containers=container(HOST, PROXY, restart="no"))
    assert why == REPLACE.replace(", with", ", since biometric-did-nginx-1 runs with the restart policy no, with")


@pytest.mark.parametrize("state", ["exited", "created"])
def test_not_running(state: str) -> None:
    """One that does not run is started by section 5, which needs it: there is nothing to replace."""
    assert drifted(proxy_container, HOST, containers=container(HOST, PROXY, config="other", state=state)) == []


def test_other_containers_do_not_count() -> None:
    """Backend and wallet are replaced by their own step."""
    assert drifted(proxy_container, HOST, containers=container(HOST, BACKEND, config="other")) == []


@pytest.mark.parametrize("steps", [GUIDE, UPDATE])
def test_comes_last(steps: tuple[object, ...]) -> None:
    """What was brought before is served by the old proxy until then."""
    assert steps[-1] is proxy_container
