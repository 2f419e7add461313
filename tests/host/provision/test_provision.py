"""A fresh host, once and again: the dry run does not lie, the site is served, and then there is nothing to do."""

from testbed.digest import digest
from tests.support.tool import Deployment, touched


def test_fresh_host_is_provisioned_and_then_in_sync(fresh: Deployment) -> None:
    """The dry run writes nothing and lists what the run does; the run ends verified; a second does nothing."""
    before = digest(fresh.host)
    foreseen = fresh.json("provision", "--dry-run", "--detailed-exitcode")
    assert foreseen.exit_code == 10
    assert touched(before, digest(fresh.host)) == []
    done = fresh.ok("provision")
    assert foreseen.whys("would change") == done.whys("changed")
    assert done.steps["verify"]["verdict"] == "unchanged"
    again = fresh.ok("provision")
    assert again.recap["changed"] == 0
    first, second = done.recap, again.recap
    print(f"\nfirst: {first['seconds']} s, {first['round_trips']} round trips, {first['changed']} sections changed")
    print(f"again: {second['seconds']} s, {second['round_trips']} round trips")


def test_dry_run_on_a_provisioned_host_writes_nothing(provisioned: Deployment) -> None:
    """In sync, the dry run finds nothing, writes nothing, and exits 0 even with --detailed-exitcode."""
    provisioned.ok("provision", "--no-verify")
    before = digest(provisioned.host)
    looked = provisioned.ok("provision", "--dry-run", "--diff", "--detailed-exitcode")
    assert looked.recap["changed"] == looked.recap["unknown"] == 0
    assert touched(before, digest(provisioned.host)) == []
