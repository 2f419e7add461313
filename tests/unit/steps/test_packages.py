"""3.1 Packages."""

from deployer.engine.changes import Script
from deployer.steps import packages
from tests.support.fakes import inventory, planned, script_of

from .hosts import converged, drifted


def test_one_is_missing() -> None:
    """Just that one is installed."""
    host = inventory()
    installed = "\n".join(name for name in packages.wanted(host) if name != "git")
    assert drifted(packages, host, installed=installed) == ["install git"]


def test_certbot_only_where_it_is_needed() -> None:
    """A self-signed certificate needs no certbot."""
    assert "certbot" in packages.wanted(inventory())
    assert "certbot" not in packages.wanted(inventory(tls={"mode": "self-signed"}))


def test_interrupted_installation() -> None:
    """What another apt left half-done is repaired first, and named."""
    told = drifted(packages, inventory(), half="iF git\niU curl\n   interrupted", installed="git")
    assert told[0] == "repair packages after an interrupted installation (git, curl, interrupted)"
    assert told[1].startswith("install ")


def test_nothing_can_hang() -> None:
    """apt waits for its lock a bounded time and never asks; cloud-init is waited for, bounded too."""
    host = inventory()
    (change,) = planned(packages, host, {**converged(packages, host), "installed": ""})
    script = script_of(change)
    assert isinstance(change, Script)
    assert change.within == 1800
    assert "DPkg::Lock::Timeout=600" in script
    assert "--force-confold" in script
    assert "timeout 600 cloud-init status --wait" in script
    assert "NEEDRESTART_SUSPEND=1" in script
