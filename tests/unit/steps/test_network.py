"""3.3 Docker network."""

import pytest

from deployer.engine.changes import Script, Stop
from deployer.engine.facts import Unknown
from deployer.steps import network
from tests.support.fakes import SILENT, inventory, planned

from .hosts import converged, drifted

HOST = inventory()


def test_absent() -> None:
    """It is made with a subnet of its own and a range for the containers that leaves out the proxy's address."""
    (change,) = planned(network, HOST, {**converged(network, HOST), "network": "", "routes": ""})
    assert isinstance(change, Script)
    assert change.why == "create the network biometric-did-network (172.30.77.0/24)"
    assert "--subnet 172.30.77.0/24 --ip-range 172.30.77.128/25" in change.script
    assert change.undo == "docker network rm biometric-did-network"


@pytest.mark.parametrize(
    "found",
    ["overlay 172.30.77.0/24 172.30.77.128/25", "bridge 172.18.0.0/16", "bridge 172.30.77.0/24", "bridge"],
)
def test_another_one(found: str) -> None:
    """One of the same name that is not ours is not removed: a stop that says both shapes and the way out."""
    with pytest.raises(Stop) as caught:
        drifted(network, HOST, network=found)
    (problem,) = caught.value.problems
    assert problem.text == (f"the network biometric-did-network is {found}, not bridge 172.30.77.0/24 172.30.77.128/25")
    assert "docker network rm" in problem.remedy


@pytest.mark.parametrize(
    ("routes", "overlaps"),
    [
        ("172.30.0.0/16 wg0", True),
        ("172.30.77.5 wg0", True),
        ("172.16.0.0/12 tun0", True),
        ("172.30.78.0/24 eth0\n10.0.0.0/8 eth1", False),
        ("", False),
    ],
)
def test_overlap(routes: str, overlaps: bool) -> None:
    """A subnet that the host reaches elsewhere would cut it off: a stop, before anything is made."""
    if not overlaps:
        assert len(drifted(network, HOST, network="", routes=routes)) == 1
        return
    with pytest.raises(Stop) as caught:
        drifted(network, HOST, network="", routes=routes)
    assert caught.value.problems[0].remedy == "set network.subnet to a free private range"


def test_docker_is_silent() -> None:
    """Its silence is not taken for an empty list."""
    with pytest.raises(Unknown, match="Docker daemon"):
        drifted(network, HOST, network=SILENT)


@pytest.mark.parametrize(
    ("subnet", "expected"),
    [("172.30.77.0/24", "172.30.77.128/25"), ("10.0.0.0/28", "10.0.0.8/29"), ("192.168.0.0/16", "192.168.128.0/17")],
)
def test_dynamic_range(subnet: str, expected: str) -> None:
    """The upper half; the proxy's fixed address is in the lower one."""
    host = inventory(network={"subnet": subnet})
    assert network.dynamic_range(host) == expected
