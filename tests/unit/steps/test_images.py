"""7.4 Build images."""

from pathlib import Path

import pytest

from deployer.changes import Stop
from deployer.compose import BACKEND, WALLET
from deployer.steps import images
from tests.fakes import inventory, planned, script_of, whys

from .hosts import COMMIT, built, converged, current, drifted

HOST = inventory()
BUILD = {BACKEND: "build the image biometric-did-backend", WALLET: "build the image biometric-did-wallet"}


OTHER = "9" * 40
DIGEST = images.inputs(HOST, BACKEND)


@pytest.mark.parametrize(
    "other", ["", f"biometric-did-backend:{COMMIT[:12]}-00000000", f"biometric-did-backend:{COMMIT}"]
)
@pytest.mark.parametrize("service", [BACKEND, WALLET])
def test_missing(service: str, other: str) -> None:
    """Absent, or there under other names only: just that one is built, whatever is named `current`."""
    (there,) = {BACKEND, WALLET} - {service}
    told = built(HOST, there) + current(HOST, BACKEND, WALLET) + (f"{other} sha256:aaa\n" if other else "")
    assert drifted(images, HOST, images=told) == [BUILD[service]]


def test_another_commit() -> None:
    """Both are built, from that commit; those of the former one may stay."""
    changes = planned(images, HOST, {**converged(images, HOST), "commit": OTHER})
    assert whys(changes) == list(BUILD.values())
    for change in changes:
        assert f"COMMIT={OTHER}\n" in script_of(change)
        assert f":{OTHER[:12]}-" in script_of(change)


def test_commit_that_was_built_before() -> None:
    """Back to a commit whose images are there: nothing is built."""
    told = built(HOST, BACKEND, WALLET) + built(HOST, BACKEND, WALLET, commit=OTHER)
    assert drifted(images, HOST, commit=OTHER, images=told) == []


def test_name_tells_commit_and_settings() -> None:
    """The name is found out before anything is built: the commit's beginning and a digest of the build's settings."""
    assert images.tags(HOST, COMMIT)[BACKEND] == f"biometric-did-backend:0123456789ab-{DIGEST}"


def test_no_clone_yet() -> None:
    """Nothing is planned to be named after an empty commit in a way that Docker refuses."""
    assert all(":none-" in tag for tag in images.tags(HOST, "").values())


@pytest.mark.parametrize(
    ("table", "values", "service"),
    [
        ("backend", {"target": "secure"}, BACKEND),
        ("backend", {"dockerfile": "core/Dockerfile"}, BACKEND),
        ("backend", {"build_args": {"EXTRA": "1"}}, BACKEND),
        ("wallet", {"api_url_variable": "BIOMETRIC_API_URL"}, WALLET),
        ("wallet", {"output_dir": "build"}, WALLET),
        ("wallet", {"dockerfile": "guide"}, WALLET),
        ("site", {"domain": "example.com", "email": "a@example.com", "api_domain": "rest.example.com"}, WALLET),
    ],
)
def test_setting_of_the_build(table: str, values: dict[str, object], service: str) -> None:
    """A changed setting builds what it concerns, and nothing else."""
    host = inventory(None, Path("/nowhere"), **{table: values})
    answers = {**converged(images, host), "images": converged(images, HOST)["images"]}
    assert whys(planned(images, host, answers)) == [BUILD[service]]


def test_setting_of_the_start_builds_nothing() -> None:
    """Memory and replicas are no inputs of a build."""
    host = inventory(backend={"memory": "2G", "replicas": 2})
    assert planned(images, host, converged(images, HOST)) == ()


def test_wallet_is_searched_for_secrets() -> None:
    """The build of the public bundle gets the API's address as its only argument, and is searched afterwards (A9)."""
    answers = {**converged(images, HOST), "images": built(HOST, BACKEND)}
    script = script_of(planned(images, HOST, answers)[0])
    assert "ARGUMENTS=VITE_API_URL=https://api.example.com\n" in script
    assert "API=https://api.example.com\n" in script
    assert "ENV_FILE=/opt/biometric-did/.env\n" in script


@pytest.mark.parametrize("where", ["operator", "registry"])
def test_not_there_yet(where: str) -> None:
    """A place that is not built at yet is a stop, not a build somewhere else."""
    image = {"image": "registry.example.com/x@sha256:" + "a" * 64}
    host = inventory(build={"where": where}, backend=image, wallet=image)
    with pytest.raises(Stop, match="not there yet"):
        planned(images, host, converged(images, HOST))


@pytest.mark.parametrize("name", images.DOCKERFILES)
def test_dockerfiles(name: str) -> None:
    """The tool's own Dockerfiles lie beside, for repositories that have none; they come before the build."""
    assert drifted(images, HOST, **{name: ""}) == [f"write /opt/biometric-did/.deployer/docker/{name} (absent)"]
    assert drifted(images, HOST, **{name: "", "images": ""})[1:] == list(BUILD.values())


def test_own_dockerfiles_bring_nothing_secret() -> None:
    """Neither .env nor .git nor keys get into an image (F5), and it does not run as root."""
    files = images.files(HOST)
    ignored = files["Dockerfile.backend.dockerignore"].content.decode()
    assert {".git", ".env", "*.pem"} <= {line.removeprefix("**/") for line in ignored.splitlines()}
    assert "USER appuser" in files["Dockerfile.backend"].content.decode()


def test_wallet_gets_the_address_of_the_api() -> None:
    """As an argument of the build, by the name that the inventory gives (F6, A9)."""
    host = inventory(wallet={"api_url_variable": "BIOMETRIC_API_URL", "output_dir": "build"})
    text = images.files(host)["Dockerfile.wallet"].content.decode()
    assert "ARG BIOMETRIC_API_URL\nENV BIOMETRIC_API_URL=${BIOMETRIC_API_URL}\n" in text
    assert "/app/build /usr/share/nginx/html" in text
