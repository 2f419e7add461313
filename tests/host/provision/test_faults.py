"""The guide's faults that no other file of these tests is about: each is met, on one provisioned host."""

import json
import time
from collections.abc import Iterator

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.support.tool import Deployment, booted, deployment
from tests.support.visitor import Visitor

pytestmark = pytest.mark.in_turn

ROOT = "/opt/biometric-did"
BACKEND = "biometric-did-backend-api"
API = "api.wallet.example.test"
IMAGE = "biometric-did-backend:current"
FOLLOW_SECONDS = 30
"""The proxy asks for a name anew after 5 s; the rest is for a slow machine."""


@pytest.fixture(scope="module")
def site(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    with booted(bed, "faults", from_snapshot=provisioned_snapshot) as host:
        ready = deployment(tmp_path_factory.mktemp("faults"), host, bed, repository)
        ready.ok("provision", "--no-verify")
        (ready.inventory / "served.pem").write_text(host.exec(f"cat {ROOT}/nginx/ssl/fullchain.pem").stdout)
        yield ready


@pytest.fixture
def visitor(site: Deployment) -> Visitor:
    return Visitor(site.host.address, site.inventory / "served.pem")


def told(site: Deployment, command: str) -> str:
    return site.host.exec(command).stdout.strip()


def post(visitor: Visitor, key: str) -> int:
    body = json.dumps({"key": key, "value": "v"}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return visitor.ask(API, "/api/records", method="POST", body=body, headers=headers).status


def test_all_containers_are_on_the_one_network(site: Deployment) -> None:
    """F1: one network of that name, made by the tool; compose made none of its own."""
    assert told(site, "docker network ls --format '{{.Name}}' --filter driver=bridge | sort").split() == [
        "biometric-did-network",
        "bridge",
    ]
    members = told(
        site, "docker network inspect biometric-did-network --format '{{range .Containers}}{{.Name}} {{end}}'"
    )
    assert len(members.split()) == 3


def test_only_the_proxy_publishes_ports(site: Deployment) -> None:
    """F2: published ports bypass ufw; 80 and 443 of the proxy are all there are."""
    published = told(site, "docker ps --format '{{.Names}} {{.Ports}}' | grep -- '->'")
    assert published.splitlines() == ["biometric-did-nginx-1 0.0.0.0:80->80/tcp, 0.0.0.0:443->443/tcp"]


def test_images_hold_no_secret_and_no_history(site: Deployment) -> None:
    """F5, A10: neither .env (the repository tracks one) nor .git nor keys; it does not run as root."""
    names = "-name .env -o -name .git -o -name privkey.pem"
    assert told(site, f"docker run --rm --user root --entrypoint find {IMAGE} /app /home /root {names}") == ""
    assert told(site, f"docker run --rm --entrypoint id {IMAGE} -u") == "1000"


def test_the_tracked_env_is_not_used(site: Deployment) -> None:
    """A10: the application runs with the secrets made on the host, and the run reports the tracked file."""
    environment = told(site, f"docker exec {BACKEND}-1 env")
    assert "from-the-repository" not in environment
    notes = site.ok("provision", "--dry-run").steps["source"]["notes"]
    assert any("tracks a .env" in str(note) for note in notes)  # type: ignore[attr-defined]


def test_the_bundle_knows_the_api_and_no_secret(site: Deployment) -> None:
    """F6, A9: the API's address reached the build; no value of .env and no source map is public."""
    wallet = "docker exec biometric-did-demo-wallet-1"
    assert told(site, f"{wallet} grep -rlF https://{API} /usr/share/nginx/html") != ""
    secrets = told(site, f"sed -n 's/^[A-Z_]*SECRET_KEY=//p' {ROOT}/.env").splitlines()
    assert len(secrets) == 2
    for secret in secrets:
        assert site.host.exec(f"{wallet} grep -rqFe '{secret}' /usr/share/nginx/html", check=False).returncode == 1
    assert told(site, f"{wallet} find /usr/share/nginx/html -name '*.map'") == ""


def test_logs_and_data_land_on_the_mounts(site: Deployment, visitor: Visitor) -> None:
    """A1, A2: the application writes its logs into its working directory, as user 1000: both are on the host."""
    assert post(visitor, "on-the-mount") == 200
    assert "on-the-mount" in told(site, f"cat {ROOT}/logs/audit.log")
    assert "on-the-mount" in told(site, f"cat {ROOT}/data/records-a.jsonl")
    assert told(site, f"stat -c %u {ROOT}/logs {ROOT}/data").split() == ["1000", "1000"]


def test_the_proxy_follows_a_container_to_another_address(site: Deployment, visitor: Visitor) -> None:
    """F11: recreated with another address the backend is found again, without a reload."""
    address = "docker inspect --format '{{(index .NetworkSettings.Networks \"biometric-did-network\").IPAddress}}'"
    before = told(site, f"{address} {BACKEND}-1")
    compose = f"docker compose --project-directory {ROOT} -f {ROOT}/docker-compose.yml"
    site.host.exec(f"docker rm -f {BACKEND}-1")
    site.host.exec(f"docker run -d --rm --name squatter --network biometric-did-network --ip {before} nginx:alpine")
    try:
        site.host.exec(f"{compose} up -d --no-deps --no-build backend-api")
        assert told(site, f"{address} {BACKEND}-1") != before
        assert answers(visitor) == 200
    finally:
        site.host.exec("docker rm -f squatter")


def answers(visitor: Visitor) -> int:
    """The API's status, asked again while it is 502, within a limit."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while (status := visitor.ask(API, "/api/echo-address").status) == 502 and time.monotonic() < deadline:
        time.sleep(0.2)
    return status


def test_three_replicas_serve(site: Deployment, visitor: Visitor) -> None:
    """F3, F26: no container name and no host port forbids copies; the proxy uses all of them."""
    file = site.inventory / "web.toml"
    single = file.read_text()
    file.write_text(f"{single}\n[backend]\nreplicas = 3\n")
    try:
        site.ok("provision")
        seen = {json.loads(visitor.ask(API, "/api/instance").body)["container"] for _ in range(30)}
        assert len(seen) == 3
        assert site.ok("provision").recap["changed"] == 0
    finally:
        file.write_text(single)
        site.ok("provision", "--no-verify")


def test_rotation_loses_no_line_and_restarts_nothing(site: Deployment, visitor: Visitor) -> None:
    """F22: lines written before, during and after a forced rotation are all there; the containers are the same."""
    containers = told(site, "docker ps -q --no-trunc")
    count = 40
    for number in range(count):
        assert post(visitor, f"rotated-{number}") == 200
        if number in (10, 20, 30):
            rotate = site.host.exec("logrotate -f /etc/logrotate.d/biometric-did", check=False)
            assert rotate.returncode == 0, rotate.stderr
    kept = told(site, f"cat {ROOT}/logs/audit.log*; zcat {ROOT}/logs/audit.log*.gz 2>/dev/null; true")
    assert all(f"rotated-{number}" in kept for number in range(count))
    assert told(site, "docker ps -q --no-trunc") == containers
    assert told(site, "docker ps -q --filter status=paused") == ""


def test_docker_logs_are_bounded_and_containers_survive_its_restart(site: Deployment) -> None:
    """F27: json-file logs rotate; live-restore keeps the very same containers running over a restart of Docker."""
    backend = "$(docker ps -q --filter label=com.docker.compose.service=backend-api)"
    limits = json.loads(told(site, f"docker inspect --format '{{{{json .HostConfig.LogConfig.Config}}}}' {backend}"))
    assert limits == {"max-file": "3", "max-size": "10m"}
    started = "docker inspect --format '{{.State.StartedAt}}' $(docker ps -q)"
    before = told(site, started)
    site.host.exec("systemctl restart docker")
    assert told(site, started) == before


def test_env_is_private_and_its_secrets_are_strong(site: Deployment) -> None:
    """F14: 0600, two different keys of at least 32 bytes, and the same after every run."""
    assert told(site, f"stat -c '%a %U' {ROOT}/.env") == "600 root"
    before = told(site, f"sed -n 's/^[A-Z_]*SECRET_KEY=//p' {ROOT}/.env").splitlines()
    assert len(set(before)) == 2
    assert all(len(secret) >= 43 for secret in before)
    site.host.exec(f"sed -i s/JWT_EXPIRATION_HOURS=24/JWT_EXPIRATION_HOURS=1/ {ROOT}/.env")
    site.ok("provision", "--no-verify")
    assert told(site, f"sed -n 's/^[A-Z_]*SECRET_KEY=//p' {ROOT}/.env").splitlines() == before
