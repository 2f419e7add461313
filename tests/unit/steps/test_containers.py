"""7.4 Start containers."""

import pytest

from deployer.compose import BACKEND, WALLET
from deployer.inventory.model import Inventory
from deployer.steps import containers
from tests.fakes import inventory, planned, script_of, whys

from .hosts import all_containers, container, converged, drifted, fresh

HOST = inventory()
THREE = inventory(backend={"replicas": 3})
SETTINGS = "its settings or its number changed"
OWN = "give /opt/biometric-did/logs and /opt/biometric-did/data to the user of the backend's image"


def replaced(service: str, reason: str) -> list[str]:
    return [f"replace {service} ({reason}) with no gap"]


def with_container(host: Inventory, service: str, **other: str) -> str:
    return all_containers(host).replace(container(host, service), container(host, service, 1, **other))


@pytest.mark.parametrize("service", [BACKEND, WALLET])
class TestOneService:
    def test_absent(self, service: str) -> None:
        """It is started; the other one is left alone."""
        told = all_containers(HOST).replace(container(HOST, service), "")
        assert drifted(containers, HOST, containers=told) == [f"start {service} and wait until it is healthy"]

    @pytest.mark.parametrize("state", ["exited", "created", "restarting"])
    def test_stopped(self, service: str, state: str) -> None:
        """One that does not run serves nobody: there is no gap to avoid."""
        told = with_container(HOST, service, state=state, health="")
        assert drifted(containers, HOST, containers=told) == [f"start {service} and wait until it is healthy"]

    def test_unhealthy(self, service: str) -> None:
        """It is replaced, and the reason said."""
        told = with_container(HOST, service, health="unhealthy")
        assert drifted(containers, HOST, containers=told) == replaced(service, "it is unhealthy")

    def test_not_yet_healthy(self, service: str) -> None:
        """One that has just been started (after a reboot) is no reason to act."""
        assert drifted(containers, HOST, containers=with_container(HOST, service, health="starting")) == []

    @pytest.mark.parametrize("other", [{"config": "0000"}, {"image": "sha256:old"}])
    def test_started_with_other_settings(self, service: str, other: dict[str, str]) -> None:
        """Other settings or another image: replaced with no gap."""
        told = with_container(HOST, service, **other)
        assert drifted(containers, HOST, containers=told) == replaced(service, SETTINGS)

    def test_not_named_by_the_proxy(self, service: str) -> None:
        """A container that runs and serves nobody is one of an update that was broken off."""
        chosen = converged(containers, HOST)["chosen"].replace(f"biometric-did-{service}-1\n", "")
        assert drifted(containers, HOST, chosen=chosen) == replaced(service, SETTINGS)

    def test_left_over_copy(self, service: str) -> None:
        """One too many is cleared away."""
        told = all_containers(HOST) + container(HOST, service, 2)
        assert drifted(containers, HOST, containers=told) == replaced(service, SETTINGS)

    def test_image_will_be_built(self, service: str) -> None:
        """What section 7.4 builds is rolled out in the same plan."""
        assert replaced(service, "its image is built anew")[0] in drifted(containers, HOST, **{service: ""})


def test_replicas() -> None:
    """Fewer or more than wanted: the service is brought to its number."""
    fewer = all_containers(THREE).replace(container(THREE, BACKEND, 2), "")
    assert drifted(containers, THREE, containers=fewer) == replaced(BACKEND, SETTINGS)
    one = {**converged(containers, THREE), "chosen": converged(containers, HOST)["chosen"]}
    assert whys(planned(containers, THREE, {**one, "containers": all_containers(HOST)})) == replaced(BACKEND, SETTINGS)


@pytest.mark.parametrize(
    "differing",
    [{"owners": "0:0\n0:0\n"}, {"owners": "1000:1000\n0:0\n"}, {"user": ""}, {"user": "sha256:old 1000:1000\n"}],
)
def test_directories_of_somebody_else(differing: dict[str, str]) -> None:
    """logs and data belong to the image's user, who is found out again for another image (A2)."""
    assert drifted(containers, HOST, **differing) == [OWN]


def test_fresh_host() -> None:
    """First the directories, then backend and wallet."""
    found = whys(planned(containers, HOST, fresh(containers, HOST)))
    assert found == [OWN, *(f"start {service} and wait until it is healthy" for service in (BACKEND, WALLET))]


def test_never_a_plain_up() -> None:
    """`--no-recreate` stands in every start of a rolled service: a plain `up` would stop what serves (F21)."""
    for change in planned(containers, HOST, fresh(containers, HOST))[1:]:
        assert "up -d --no-deps --no-build --no-recreate" in script_of(change)
