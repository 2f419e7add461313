"""docker-compose.yml: valid YAML, nothing published past the proxy, nothing secret, and digests that tell."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar, cast

import pytest
import yaml

from deployer.inventory.model import Inventory
from deployer.site import compose
from deployer.site.compose import BACKEND, CONFIG_LABEL, DATABASE, PROXY, WALLET
from tests.support.fakes import inventory, run_here

NOWHERE = Path("/nowhere")
Document = dict[str, dict[str, dict[str, object]]]


def document(host: Inventory) -> Document:
    return cast(Document, yaml.safe_load(compose.text(host)))


class TestFile:
    def test_three_services(self) -> None:
        """The guide's services by the guide's names."""
        assert list(document(inventory())["services"]) == [BACKEND, WALLET, PROXY]

    def test_says_whose_it_is(self) -> None:
        """The first line says that changes are overwritten."""
        assert compose.text(inventory()).startswith("# managed by deployer")

    def test_published_ports(self) -> None:
        """Only the proxy's 80 and 443 (F2)."""
        published = {name: service.get("ports") for name, service in document(inventory())["services"].items()}
        assert published == {BACKEND: None, WALLET: None, PROXY: ["0.0.0.0:80:80", "0.0.0.0:443:443"]}

    def test_nothing_that_forbids_a_second_copy(self) -> None:
        """No container_name (F3), no obsolete version, no volumes that nothing uses (F4)."""
        found = document(inventory())
        assert not any("container_name" in service for service in found["services"].values())
        assert set(found) == {"name", "services", "networks"}

    def test_one_network(self) -> None:
        """Compose uses the network that was made, and makes none (F1); the proxy has its fixed address there."""
        found = document(inventory())
        assert found["networks"] == {"default": {"name": "biometric-did-network", "external": True}}
        assert found["services"][PROXY]["networks"] == {"default": {"ipv4_address": "172.30.77.2"}}

    def test_logs_survive(self) -> None:
        """The backend works in its log directory, which is mounted: what it writes there outlives it (A1)."""
        backend = document(inventory())["services"][BACKEND]
        assert backend["working_dir"] == "/app/logs"
        assert "/opt/biometric-did/logs:/app/logs" in cast(list[str], backend["volumes"])

    def test_an_image_with_a_command_of_its_own(self) -> None:
        """It runs where the image says, unless the inventory says otherwise: a CMD may have relative paths."""
        assert "working_dir" not in document(inventory(backend={"command": []}))["services"][BACKEND]
        given = document(inventory(backend={"command": [], "working_dir": "/srv/app"}))["services"][BACKEND]
        assert given["working_dir"] == "/srv/app"

    def test_an_image_without_a_shell(self) -> None:
        """Docker's own check, which needs one, can be left out; no default of the image takes its place."""
        backend = document(inventory(backend={"healthcheck": False}))["services"][BACKEND]
        assert backend["healthcheck"] == {"test": ["NONE"]}

    def test_limits(self) -> None:
        """memory and cpus are passed on where they are set."""
        backend = document(inventory(backend={"memory": "2G", "cpus": "1.5"}))["services"][BACKEND]
        assert (backend["mem_limit"], backend["cpus"]) == ("2G", "1.5")
        assert "mem_limit" not in document(inventory())["services"][BACKEND]

    @pytest.mark.parametrize("service", [BACKEND, WALLET, PROXY])
    def test_every_service(self, service: str) -> None:
        """Restarted after a reboot, without new privileges, never pulled behind our back."""
        found = document(inventory())["services"][service]
        assert found["restart"] == "unless-stopped"
        assert found["security_opt"] == ["no-new-privileges:true"]
        assert found["pull_policy"] == "never"


class TestDatabase:
    HOST = inventory(postgres={"enabled": True, "user": "me", "database": "it", "image": "postgres:16"})

    def test_service(self) -> None:
        """The guide's service by its name, with its data below the root and no port published."""
        found = document(self.HOST)["services"]
        assert list(found) == [BACKEND, WALLET, PROXY, DATABASE]
        service = found[DATABASE]
        assert service["image"] == "postgres:16"
        assert service["volumes"] == ["/opt/biometric-did/postgres:/var/lib/postgresql/data"]
        assert "ports" not in service
        assert (service["restart"], service["pull_policy"]) == ("unless-stopped", "never")
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert (service["shm_size"], service["stop_grace_period"]) == ("256m", "60s")

    def test_health(self) -> None:
        """Asked over TCP: while the image makes the database its server listens on the socket only."""
        check = cast(dict[str, object], document(self.HOST)["services"][DATABASE]["healthcheck"])
        assert check["test"] == ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "me", "-d", "it"]

    def test_password(self) -> None:
        """The file names it and does not hold it; no other dollar is expanded. Of .env it gets nothing else."""
        host = inventory({"DB_PASSWORD": "hunter2-hunter2"}, postgres={"enabled": True})
        assert "hunter2" not in compose.text(host)
        service = document(host)["services"][DATABASE]
        assert cast(dict[str, str], service["environment"])["POSTGRES_PASSWORD"] == "${DB_PASSWORD}"
        assert "env_file" not in service
        assert compose.text(host).count("POSTGRES_PASSWORD: ${DB_PASSWORD}\n") == 1

    @pytest.mark.parametrize(("replicas", "connections"), [(1, 200), (3, 380)])
    def test_connections(self, replicas: int, connections: int) -> None:
        """As many as all pools may open while a release starts beside the old one, at least."""
        host = inventory(postgres={"enabled": True}, backend={"replicas": replicas})
        assert document(host)["services"][DATABASE]["command"] == ["postgres", "-c", f"max_connections={connections}"]

    def test_nothing_of_it_without(self) -> None:
        """Switched off, the file is as it was before there was such a key."""
        assert compose.text(inventory(postgres={"user": "me", "image": "postgres:1"})) == compose.text(inventory())
        assert "ostgres" not in compose.text(inventory())


class TestDollars:
    def test_doubled(self) -> None:
        """Compose expands `$`: every one of them is doubled."""
        text = compose.text(inventory(backend={"command": ["sh", "-c", "echo $HOME ${X:-a} $$"]}))
        assert "echo $$HOME $${X:-a} $$$$" in text
        assert "$" not in text.replace("$$", "")

    def test_awkward_words(self) -> None:
        """Words that YAML would take for something else come back as they are."""
        words = ["yes", "1:30", "- a", "{x: y}", "# no comment", "'\"", "on", "null", "ž"]
        backend = document(inventory(backend={"command": words}))["services"][BACKEND]
        assert backend["command"] == words


class TestSecrets:
    def test_no_value_of_env(self) -> None:
        """The file names .env and holds nothing that stands in it."""
        secret = "an-operators-own-secret-of-some-length"
        text = compose.text(inventory({"DB_PASSWORD": secret}, environment={"CARDANO_NETWORK": "mainnet"}))
        assert secret not in text
        assert "mainnet" not in text
        assert "/opt/biometric-did/.env" in text


CHANGED: dict[str, tuple[dict[str, object], set[str]]] = {
    "environment": ({"environment": {"X": "1"}}, {BACKEND}),
    "port": ({"backend": {"port": 9000}}, {BACKEND}),
    "health path": ({"backend": {"health_path": "/ready"}}, {BACKEND}),
    "command": ({"backend": {"command": ["uvicorn"]}}, {BACKEND}),
    "memory": ({"backend": {"memory": "1G"}}, {BACKEND}),
    "data directory": ({"backend": {"data_dir": "/srv/data"}}, {BACKEND}),
    "wallet's port": ({"wallet": {"port": 8080}}, {WALLET}),
    "proxy's image": ({"nginx": {"image": "nginx:1.29"}}, {PROXY}),
    "root": ({"root": "/srv/app"}, {BACKEND, PROXY}),
    "network": ({"network": {"subnet": "10.1.2.0/24"}}, {BACKEND, PROXY}),
    "rate limit": ({"nginx": {"rate_limit": "5r/s"}}, set()),
    "replicas": ({"backend": {"replicas": 3}}, set()),
    "schedule": ({"backup": {"schedule": "0 3 * * *"}}, set()),
}


class TestDigests:
    @pytest.mark.parametrize("case", CHANGED)
    def test_change_replaces_just_what_it_concerns(self, case: str) -> None:
        """A container is replaced when what it was started with changes, and only then."""
        tables, services = CHANGED[case]
        before, after = compose.config_digests(inventory()), compose.config_digests(inventory(None, NOWHERE, **tables))
        assert {name for name in before if before[name] != after[name]} == services

    def test_stand_in_labels(self) -> None:
        """Docker can be asked for them."""
        host = inventory()
        labels = {name: service["labels"] for name, service in document(host)["services"].items()}
        assert labels == {name: {CONFIG_LABEL: digest} for name, digest in compose.config_digests(host).items()}


def test_images() -> None:
    """Named after the application: two of them on one host do not meet."""
    host = inventory(name="other")
    assert (compose.image(host, BACKEND), compose.image(host, WALLET)) == ("other-backend", "other-wallet")


class TestHealthCommand:
    """Shell for inside the containers, run here against a server that answers as told."""

    @pytest.mark.parametrize(
        ("status", "header", "expected"),
        [(200, "https", True), (301, "https", False), (503, "https", False), (404, "https", False)],
    )
    def test_wants_200(self, status: int, header: str, expected: bool) -> None:
        """Anything but 200 is unhealthy, a redirect too (A5); it says that the visitor came by https."""
        with answering(status) as (port, seen):
            assert (run_here(compose.health_command(port, "/health")).returncode == 0) is expected
        assert seen == [("/health", header)]

    @pytest.mark.parametrize("tool", ["curl", "python3", "python"])
    def test_with_what_the_image_has(self, tool: str, tmp_path: Path) -> None:
        """An image with only one of curl and python is asked as well."""
        found = shutil.which("curl") if tool == "curl" else sys.executable
        if found is None:
            pytest.skip(f"no {tool} here")
        (tmp_path / tool).symlink_to(Path(found).resolve())
        (tmp_path / "sh").symlink_to("/bin/sh")
        for status, expected in ((200, 0), (301, 1)):
            with answering(status) as (port, _):
                words = ["/bin/sh", "-c", compose.health_command(port, "/health")]
                ran = subprocess.run(words, env={"PATH": str(tmp_path)}, capture_output=True, check=False)
            assert ran.returncode == expected


class Answering(BaseHTTPRequestHandler):
    status = 200
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("X-Forwarded-Proto", "")))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not said."""


@contextmanager
def answering(code: int) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    class Handler(Answering):
        status = code
        seen: ClassVar[list[tuple[str, str]]] = []

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port, Handler.seen
        server.shutdown()
        thread.join()
