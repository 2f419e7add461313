"""What somebody changed on the host is named by the dry run and mended by the next run, and nothing else is touched."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from testbed.bed import Bed
from testbed.digest import digest
from testbed.origin import Repository
from tests.support.tool import Deployment, booted, deployment, touched

pytestmark = pytest.mark.in_turn

ROOT = "/opt/biometric-did"


@dataclass(frozen=True)
class Drift:
    """What was done to the host, and the changes that must be foreseen: parts of `step: why`."""

    done: str
    named: tuple[str, ...]


OTHER_CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=wallet.example.test "
    "-addext subjectAltName=DNS:wallet.example.test,DNS:api.wallet.example.test "
    f"-keyout {ROOT}/nginx/ssl/privkey.pem -out {ROOT}/nginx/ssl/fullchain.pem 2>/dev/null"
)

BY_HAND = f"""
sed -i 's/^  backend-api:$/&\\n    privileged: true\\n    user: root/' {ROOT}/docker-compose.yml
docker compose --project-directory {ROOT} up -d --no-deps backend-api 2>&1
"""

DRIFTS = {
    "compose file edited": Drift(
        f"echo '# mine' >>{ROOT}/docker-compose.yml", ("compose: write /opt/biometric-did/docker-compose.yml",)
    ),
    "nginx file edited": Drift(
        f"echo '# mine' >>{ROOT}/nginx/conf.d/biometric-did.conf",
        ("nginx: write /opt/biometric-did/nginx/conf.d", "nginx: reload"),
    ),
    "cron file removed": Drift("rm /etc/cron.d/biometric-did", ("schedules: write /etc/cron.d/biometric-did",)),
    "mode of .env changed": Drift(f"chmod 644 {ROOT}/.env", ("environment: set /opt/biometric-did/.env to 0600",)),
    "value in .env changed": Drift(f"sed -i s/HTTPS_ONLY=true/HTTPS_ONLY=false/ {ROOT}/.env", ("environment: write",)),
    "mode of a directory changed": Drift(
        f"chmod 755 {ROOT}/nginx/ssl", ("directories: set /opt/biometric-did/nginx/ssl to 0700",)
    ),
    "owner of the data changed": Drift(
        f"chown root:root {ROOT}/data", ("containers: make the user of the backend's image the owner of",)
    ),
    "backend removed": Drift("docker rm -f biometric-did-backend-api-1", ("containers: start backend-api",)),
    "wallet stopped": Drift("docker stop biometric-did-demo-wallet-1", ("containers: start demo-wallet",)),
    "proxy removed": Drift("docker rm -f biometric-did-nginx-1", ("certificates: start the proxy",)),
    "firewall rule deleted": Drift("ufw delete allow 443/tcp", ("firewall: allow 443/tcp",)),
    "firewall off": Drift("ufw disable", ("firewall: enable the firewall", "firewall: log in a second time")),
    "certificate replaced": Drift(OTHER_CERTIFICATE, ("certificates: install the certificate",)),
    "network deleted": Drift(
        "docker rm -f $(docker ps -aq) && docker network rm biometric-did-network",
        (
            "network: create",
            "certificates: start the proxy",
            "containers: start backend-api and wait until it is healthy; start demo-wallet",
        ),
    ),
    "Docker stopped": Drift("systemctl stop docker.socket docker.service", ("docker_daemon: start Docker",)),
    "Docker disabled": Drift(
        "systemctl disable docker.service docker.socket", ("docker_daemon: start Docker at boot",)
    ),
    "image removed": Drift(
        "docker rm -f biometric-did-demo-wallet-1; docker rmi -f $(docker images -q biometric-did-wallet)",
        ("images: build the image biometric-did-wallet", "containers: start demo-wallet"),
    ),
    # Last: the container that replaces it has another number.
    "containers changed by hand": Drift(
        BY_HAND,
        (
            "compose: write /opt/biometric-did/docker-compose.yml",
            "containers: replace backend-api, since biometric-did-backend-api-1 runs privileged, as root,",
            "containers: check the site",
            "containers: stop the old containers",
        ),
    ),
}


@pytest.fixture(scope="module")
def drifting(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """One provisioned host that all drifts are done to, one after the other: each test leaves it unchanged."""
    with booted(bed, "drifting", from_snapshot=provisioned_snapshot) as host:
        yield deployment(tmp_path_factory.mktemp("drifting"), host, bed, repository)


@pytest.mark.full
@pytest.mark.parametrize("name", DRIFTS)
def test_drift_is_named_and_mended_and_nothing_else(drifting: Deployment, name: str) -> None:
    """The dry run names what was changed and writes nothing; the run does exactly that; then all is unchanged."""
    drift = DRIFTS[name]
    drifting.ok("provision", "--no-verify")
    drifting.host.exec(drift.done)
    before = digest(drifting.host)
    foreseen = drifting.ok("provision", "--dry-run")
    assert touched(before, digest(drifting.host)) == []
    named = foreseen.whys("would change")
    assert len(named) == len(drift.named), named
    assert all(change.startswith(wanted) for change, wanted in zip(named, drift.named, strict=True)), named
    done = drifting.ok("provision")
    assert done.whys("changed") == named
    assert drifting.ok("provision", "--dry-run").recap["changed"] == 0
