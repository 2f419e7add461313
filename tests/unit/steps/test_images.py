"""7.4 Build images."""

from pathlib import Path

import pytest

from deployer.changes import Run, Stop
from deployer.compose import BACKEND, WALLET
from deployer.steps import images
from tests.fakes import inventory, planned, script_of

from .hosts import COMMIT, built, converged, drifted

HOST = inventory()
BUILD = {BACKEND: "build the image biometric-did-backend", WALLET: "build the image biometric-did-wallet"}


@pytest.mark.parametrize("service", [BACKEND, WALLET])
@pytest.mark.parametrize("told", ["", f"{'9' * 40} {images.inputs(HOST, BACKEND)}", f"{COMMIT} 00000000", COMMIT, " "])
def test_outdated(service: str, told: str) -> None:
    """Absent, of another commit, built with other settings, or not ours: just that one is built."""
    assert drifted(images, HOST, **{service: told}) == [BUILD[service]]


def test_commit_moved() -> None:
    """Both are built."""
    assert drifted(images, HOST, commit="9" * 40) == list(BUILD.values())


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
    answers = {"commit": COMMIT, BACKEND: built(HOST, BACKEND), WALLET: built(HOST, WALLET)}
    (change,) = planned(images, host, answers)
    assert isinstance(change, Run)
    assert change.why == BUILD[service]


def test_setting_of_the_start_builds_nothing() -> None:
    """Memory and replicas are no inputs of a build."""
    host = inventory(backend={"memory": "2G", "replicas": 2})
    assert planned(images, host, converged(images, HOST)) == ()


def test_wallet_is_searched_for_secrets() -> None:
    """The build of the public bundle gets the API's address as its only argument, and is searched afterwards (A9)."""
    answers = {**converged(images, HOST), WALLET: ""}
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
