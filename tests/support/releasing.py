"""A site that is updated: a repository of its own, releases by number, and what is left on the host."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from testbed.origin import Repository
from tests.support.tool import Deployment, Event, Outcome
from tests.support.traffic.running import DOMAIN
from tests.support.visitor import Visitor

API = f"api.{DOMAIN}"
ROOT = "/opt/biometric-did"
LEFTOVERS = {
    "containers that do not run": "docker ps -a --format '{{.Names}} {{.State}}' | grep -v ' running$' || true",
    "images without a name": "docker image ls -q --filter dangling=true",
    "networks": "docker network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none|biometric-did-network' || true",
    "half-made files": f"find {ROOT} -name '*.deployer-new' -o -name '*.upstreams.*' -o -name 'build.*' "
    "-o -name '.next' | grep -v '/src/' || true",
    "the lock": "flock -n /run/deployer/biometric-did.lock true || echo held",
}


@dataclass(frozen=True)
class Updated:
    """A provisioned site whose repository gets further releases."""

    deployment: Deployment
    repository: Repository
    visitor: Visitor

    def commit(self, version: str, broken: str = "", **files: str | None) -> str:
        """A release of this number; `broken` is what is wrong with it (see the fixture application)."""
        release = {"version": version, "break": broken}
        style = f"/* {version} */ body {{ color: black }}"
        changed = {"release.json": json.dumps(release), "demo-wallet/src/style.css": style, **files}
        return self.repository.commit(changed, f"Release {version}")

    def update(self, *words: str) -> Outcome:
        return self.deployment.ok("update", *words)

    @property
    def version(self) -> str:
        """What answers now."""
        return str(json.loads(self.visitor.ask(API, "/api/instance").body)["version"])

    @property
    def stylesheet(self) -> str:
        """The address of the stylesheet that the index names: it has a hash of its content."""
        page = self.visitor.ask(DOMAIN).body.decode()
        found = re.search(r'href="(?:\./|/)?([^"]*style\.[0-9a-f]+\.css)"', page)
        assert found, page
        return f"/{found[1]}"

    @property
    def releases(self) -> list[Event]:
        told = self.deployment.ok("releases")
        return [event for event in told.events if event["event"] == "release"]

    @property
    def left_over(self) -> dict[str, str]:
        said = {kind: self.deployment.host.exec(command).stdout.strip() for kind, command in LEFTOVERS.items()}
        return {kind: what for kind, what in said.items() if what}

    @property
    def containers(self) -> list[str]:
        """One line for each that runs, by its service."""
        form = '{{.Label "com.docker.compose.service"}}'
        return sorted(self.deployment.host.exec(f"docker ps --format '{form}'").stdout.split())


def visitor_of(deployment: Deployment, directory: Path) -> Visitor:
    trusted = directory / "site.pem"
    trusted.write_text(deployment.host.exec(f"cat {ROOT}/nginx/ssl/fullchain.pem").stdout)
    return Visitor(deployment.host.address, trusted)


def parts(outcome: Outcome) -> dict[str, float]:
    """How long each part of a roll-out took, in seconds."""
    return {
        name: seconds
        for event in outcome.events
        if event["event"] == "parts"
        for name, seconds in event["parts"].items()  # type: ignore[attr-defined]
    }
