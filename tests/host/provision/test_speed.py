"""A run with nothing to do: round trips and bytes are asserted; times and ratios are only printed."""

from bench import survey
from bench.noop import measure
from tests.support.tool import Deployment

MOST_ROUND_TRIPS = 3
MOST_BYTES = 32_000
"""In each direction; what travels is compressed questions one way and plain answers the other."""


def test_nothing_to_do_costs_one_round_trip(provisioned: Deployment) -> None:
    """Lock and survey travel together: one channel, some kilobytes; then the figures beside plain ssh are printed."""
    provisioned.ok("provision", "--no-verify")
    recap = provisioned.ok("provision", "--no-verify").recap
    assert recap["changed"] == 0
    assert int(str(recap["round_trips"])) <= MOST_ROUND_TRIPS
    assert int(str(recap["bytes_sent"])) < MOST_BYTES
    assert int(str(recap["bytes_received"])) < MOST_BYTES
    print(f"\n{recap['round_trips']} round trips, {recap['bytes_sent']} B sent, {recap['bytes_received']} B received")
    for figures in measure(provisioned.inventory, provisioned.name, repeats=3):
        print(figures)
    survey.show(provisioned.inventory, provisioned.name)
