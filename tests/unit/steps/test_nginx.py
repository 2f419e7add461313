"""4. Nginx reverse proxy."""

import pytest

from deployer.engine.changes import Script, WriteFiles
from deployer.engine.facts import Unknown
from deployer.engine.host_program import call
from deployer.site.compose import PROXY
from deployer.site.nginx import first_upstreams
from deployer.steps import nginx
from tests.support.fakes import SILENT, inventory, planned, whys

from .hosts import all_containers, container, converged, drifted

HOST = inventory()
DIRECTORY = "/opt/biometric-did/nginx"
RELOAD = "reload the proxy with its configuration on disk"
OTHER = "regular file/644/root:root\n0123\nserver {}\n"


def test_configuration_differs() -> None:
    """Tested beside, written, and the running proxy is reloaded: nothing is restarted."""
    write, reload = planned(nginx, HOST, {**converged(nginx, HOST), "site": OTHER})
    assert isinstance(write, WriteFiles)
    assert isinstance(reload, Script)
    assert write.why == f"write {DIRECTORY}/conf.d/biometric-did.conf (content differs)"
    assert write.check == f'{call(HOST, "proxy", "check")} "$STAGED"'
    assert reload.why == RELOAD
    assert reload.undo == reload.script, "what fails later leaves the proxy with the files that were put back"


def test_no_proxy_yet() -> None:
    """There is nothing to reload before section 5 has started it."""
    without = all_containers(HOST).replace(container(HOST, PROXY), "")
    for containers in ("", without, without + container(HOST, PROXY, state="exited")):
        assert drifted(nginx, HOST, site="", containers=containers, loaded="") == [
            f"write {DIRECTORY}/conf.d/biometric-did.conf (absent)"
        ]


def test_not_loaded() -> None:
    """A run that was broken off between the file and the reload is completed."""
    assert drifted(nginx, HOST, loaded="configuration=stale\ncertificate=loaded\n") == [RELOAD]


def test_upstreams_are_written_once() -> None:
    """Which containers serve is the roll-out's business: the file is made where it is not, never compared."""
    assert drifted(nginx, HOST, upstreams="") == [f"write {DIRECTORY}/conf.d/biometric-did.upstreams (absent)", RELOAD]


def test_first_upstreams_name_every_replica() -> None:
    """As Compose will name them."""
    text = first_upstreams(inventory(backend={"replicas": 2})).content.decode()
    names = ("biometric-did-backend-api-1", "biometric-did-backend-api-2", "biometric-did-demo-wallet-1")
    assert all(name in text for name in names)


@pytest.mark.parametrize("key", ["containers", "loaded"])
def test_docker_is_silent(key: str) -> None:
    """Whether the proxy runs is not guessed."""
    with pytest.raises(Unknown):
        drifted(nginx, HOST, **{key: SILENT})


def test_edited_by_hand_and_readable_difference() -> None:
    """The difference shows what a person wrote."""
    found = planned(nginx, HOST, {**converged(nginx, HOST), "site": OTHER})
    assert "-server {}" in getattr(found[0], "diff", "")
    assert len(whys(found)) == 2
