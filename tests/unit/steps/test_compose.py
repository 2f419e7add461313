"""3.4 Docker Compose configuration."""

from deployer.changes import WriteFiles
from deployer.steps import compose
from tests.fakes import inventory, planned

from .hosts import converged, drifted

HOST = inventory()
OTHER = "regular file/644/root:root\n0123\nsomething else\n"


def test_edited_by_hand() -> None:
    """It is written anew, after `docker compose config` has taken it; the difference is shown."""
    (change,) = planned(compose, HOST, {**converged(compose, HOST), "compose": OTHER})
    assert isinstance(change, WriteFiles)
    assert change.why == "write /opt/biometric-did/docker-compose.yml (content differs)"
    assert "config -q" in change.check
    assert "-something else" in change.diff


def test_dockerfiles() -> None:
    """The tool's own Dockerfiles lie beside, for repositories that have none."""
    for name in compose.DOCKERFILES:
        told = converged(compose, HOST)
        assert drifted(compose, HOST, **{name: ""}) == [f"write /opt/biometric-did/.deployer/docker/{name} (absent)"]
        assert name in told


def test_own_dockerfiles_bring_nothing_secret() -> None:
    """Neither .env nor .git nor keys get into an image (F5), and it does not run as root."""
    files = compose.files(HOST)
    ignored = files["Dockerfile.backend.dockerignore"].content.decode()
    assert {".git", ".env", "*.pem"} <= {line.removeprefix("**/") for line in ignored.splitlines()}
    assert "USER appuser" in files["Dockerfile.backend"].content.decode()


def test_wallet_gets_the_address_of_the_api() -> None:
    """As an argument of the build, by the name that the inventory gives (F6, A9)."""
    host = inventory(wallet={"api_url_variable": "BIOMETRIC_API_URL", "output_dir": "build"})
    text = compose.files(host)["Dockerfile.wallet"].content.decode()
    assert "ARG BIOMETRIC_API_URL\nENV BIOMETRIC_API_URL=${BIOMETRIC_API_URL}\n" in text
    assert "/app/build /usr/share/nginx/html" in text


def test_mode() -> None:
    """A file that others may write is closed."""
    told = converged(compose, HOST)["compose"].replace("/644/", "/666/")
    assert drifted(compose, HOST, compose=told) == [
        "set /opt/biometric-did/docker-compose.yml to 0644 root:root (is 0666 root:root)"
    ]
