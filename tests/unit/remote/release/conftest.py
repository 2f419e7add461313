"""A provisioned host whose release of one backend and one wallet serves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from deployer.remote.config import Hooks
from deployer.remote.host import Host
from deployer.remote.release import health, kept
from deployer.remote.release.running import upstream_file
from deployer.remote.release.target import Target, parsed
from tests.unit.remote.release.site import PORT, Site, site

UPSTREAMS = (
    "upstream backend {{\n    zone backend 64k;\n    server {0}-backend-api-1:{1} resolve max_fails=0;\n}}\n"
    "upstream wallet {{\n    server {0}-demo-wallet-1:{1} resolve max_fails=0;\n}}\n"
)
SERVICES = (
    "backend-api backend {port} 1 {overlap} app-backend:{version} curl -f http://127.0.0.1:{port}/health\n"
    "demo-wallet wallet {port} 1 yes app-wallet:{version} curl -f http://127.0.0.1:{port}/\n"
)


@dataclass
class Deployed:
    """The host, and what Docker keeps."""

    host: Host
    site: Site

    @property
    def upstreams(self) -> str:
        return upstream_file(self.host).read_text()

    def serves(self) -> list[str]:
        """The containers that the proxy would send visitors to, and that run."""
        return sorted(name for name, each in self.site.containers.items() if f" {name}:" in self.upstreams and each)


def target(version: str = "2", *, overlap: bool = True, keep: tuple[str, ...] = ("first",)) -> Target:
    services = SERVICES.format(port=PORT, overlap="yes" if overlap else "no", version=version)
    given = {
        "commit": version * 40,
        "ref": "main",
        "configuration": f"c{version}",
        "environment": ["A=1", "API_SECRET_KEY=[secret]"],
        "keep": list(keep),
        "services": services,
    }
    return parsed(json.dumps(given))


@pytest.fixture
def deployed(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """Release `first` serves, with containers number 1."""
    monkeypatch.setattr(health, "STEADY_SECONDS", 0.5)
    with site(host.config.name) as docker:
        release = replace(host.config.release, healthy_within=2, settle=1, drain=1, hooks=Hooks([], [], []))
        made = Deployed(Host(replace(host.config, release=release), docker), docker)
        upstream_file(made.host).parent.mkdir(parents=True)
        upstream_file(made.host).write_text(UPSTREAMS.format(host.config.name, PORT))
        docker.add("backend-api", "app-backend:1", 1, "running")
        docker.add("demo-wallet", "app-wallet:1", 1, "running")
        first = kept.directory(made.host) / "first"
        first.mkdir(parents=True)
        (first / "environment").write_text("A=1\nAPI_SECRET_KEY=[secret]\n")
        made.host.config.environment.write_text(f"A=0\nAPI_SECRET_KEY={'s' * 40}\n")
        for name, path in kept.configuration(made.host).items():
            path.write_text(name)
            (first / name).write_text(name)
        (first / "services").write_text(SERVICES.format(port=PORT, overlap="yes", version="1"))
        (made.host.config.state / "releases.jsonl").write_text('{"id": "first", "result": "deployed"}\n')
        yield made
