"""roll_out.sh with real bash: what a roll-out removes before it starts. The rest is tested on a host."""

import os
from pathlib import Path

import pytest

from deployer.releases.scripts.release import ReleaseTarget, release_functions, services
from deployer.site.compose import BACKEND, WALLET
from deployer.text.shell import lines
from tests.support.fakes import IS_ROOT, bed, run_here

from .docker import Docker

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")

SERVERS = (
    "upstream backend {\n    server %s-backend-api-1:8000;\n}\nupstream wallet {\n    server %s-demo-wallet-1:80;\n}\n"
)


@pytest.mark.parametrize("rolled", [BACKEND, WALLET])
@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_left_overs_of_every_service(tmp_path: Path, rolled: str, state: str) -> None:
    """Also of one that is not rolled: go_back would take a container that nobody names for what served before."""
    docker = Docker.made(tmp_path / "docker")
    with bed(tmp_path) as here:
        name = here.host.name
        conf_d = Path(here.host.paths.conf_d)
        conf_d.mkdir(parents=True)
        (conf_d / f"{name}.upstreams").write_text(SERVERS % (name, name))
        for service in (BACKEND, WALLET):
            docker.run(f"{name}-{service}-1", "1" * 40)
            docker.run(f"{name}-{service}-2", "2" * 40, state)
        target = ReleaseTarget("f" * 40, "main", "c", {BACKEND: "b:1", WALLET: "w:1"}, (), ())
        text = lines(release_functions(here.host, target, services(here.host, target.images)), f"roll {rolled}")
        ran = run_here(text, PATH=docker.path(os.environ["PATH"]))
        assert ran.stdout.startswith("removing containers that an earlier run left: ")
        (removed,) = [asked for asked in docker.asked if asked.startswith("rm -f")]
        assert removed.split(" ")[2:] == [f"{name}-{service}-2" for service in (BACKEND, WALLET)]
