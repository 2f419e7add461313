"""7.4 Build images."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.engine.changes import Change, Note, Send, Stop
from deployer.engine.host_program import run
from deployer.inventory.model import Inventory
from deployer.releases import building
from deployer.releases import images as names
from deployer.remote.build.recipe import Recipe, parsed
from deployer.site.compose import BACKEND, WALLET
from deployer.steps import images
from tests.support.fakes import inventory, planned, script_of, whys

from .hosts import COMMIT, built, converged, current, drifted

HOST = inventory()
BUILD = {
    BACKEND: "build the image biometric-did-backend",
    WALLET: "build the image biometric-did-wallet",
}

OTHER = "9" * 40
DIGEST = names.inputs(HOST, BACKEND)


def built_by(change: Change | Note) -> tuple[Recipe, str, str]:
    """What the host program builds, the name that it gets, and the address that has to be in it."""
    recipe, name, api = shlex.split(script_of(change))[-3:]
    return parsed(recipe), name, api


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
        recipe, tag, _ = built_by(change)
        assert recipe.commit == OTHER
        assert f":{OTHER[:12]}-" in tag


def test_commit_that_was_built_before() -> None:
    """Back to a commit whose images are there: nothing is built."""
    told = built(HOST, BACKEND, WALLET) + built(HOST, BACKEND, WALLET, commit=OTHER)
    assert drifted(images, HOST, commit=OTHER, images=told) == []


def test_name_tells_commit_and_settings() -> None:
    """The name is found out before anything is built: the commit's beginning and a digest of the build's settings."""
    assert names.tags(HOST, COMMIT)[BACKEND] == f"biometric-did-backend:0123456789ab-{DIGEST}"


def test_no_clone_yet() -> None:
    """Nothing is planned to be named after an empty commit in a way that Docker refuses."""
    assert all(":none-" in tag for tag in names.tags(HOST, "").values())


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
    recipe, _, api = built_by(planned(images, HOST, answers)[0])
    assert recipe.arguments == ("VITE_API_URL=https://api.example.com",)
    assert api == "https://api.example.com"


class TestRoom:
    """A build that would exhaust the host is refused; nothing is asked of a host where nothing is to be built."""

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({"memory": "511"}, "only 511 MiB of memory are available; a build needs at least 512 MiB"),
            ({"disk": "2047 /mnt/docker"}, "only 2047 MiB are free on /mnt/docker; a build needs at least 2048 MiB"),
        ],
    )
    def test_refused(self, told: dict[str, str], said: str) -> None:
        """With the amounts, and the two other places named."""
        with pytest.raises(Stop) as stop:
            planned(images, HOST, {**converged(images, HOST), "images": "", **told})
        (problem,) = stop.value.problems
        assert problem.text == said
        assert '"operator"' in problem.remedy
        assert '"registry"' in problem.remedy

    def test_both_at_once(self) -> None:
        """Who mends one shall not learn of the other afterwards."""
        little = {"images": "", "memory": "1", "disk": "1 /var/lib/docker"}
        with pytest.raises(Stop, match=r"memory.*; .*free on"):
            planned(images, HOST, {**converged(images, HOST), **little})

    def test_just_enough(self) -> None:
        """The limits themselves are enough; before Docker is installed its disk is not known."""
        enough = {"images": "", "memory": "512", "disk": "2048 /var/lib/docker"}
        assert drifted(images, HOST, **enough) == list(BUILD.values())
        assert drifted(images, HOST, **{**enough, "disk": ""}) == list(BUILD.values())

    def test_nothing_to_build(self) -> None:
        """A full host on which everything is there is unchanged."""
        assert drifted(images, HOST, memory="1", disk="1 /var/lib/docker") == []

    def test_elsewhere(self) -> None:
        """An operator's build takes no memory of the host, but room for the images."""
        answers = {**converged(images, ELSEWHERE), **HELD, "images": "", "memory": "1", "disk": "1024 /var/lib/docker"}
        assert whys(planned(images, ELSEWHERE, answers))
        with pytest.raises(Stop, match="new images need at least 1024"):
            planned(images, ELSEWHERE, {**answers, "disk": "1023 /var/lib/docker"})


ELSEWHERE = inventory(build={"where": "operator"})
HELD = {"machine": "aarch64", "held": "sha256:a sha256:b\nsha256:a\n"}


class TestOperator:
    """Built on the operator's machine and sent; what concerns secrets is done on the host."""

    def of(self, **differing: str) -> tuple[Change | Note, ...]:
        answers = {**converged(images, ELSEWHERE), **HELD, "images": "", **differing}
        return planned(images, ELSEWHERE, answers)

    def test_plan(self) -> None:
        """One transfer of both, then a check of each on the host, which gives the names."""
        send, *checks = self.of()
        assert isinstance(send, Send)
        assert (send.commit, send.platform) == (COMMIT, "linux/arm64")
        assert send.held == (("sha256:a", "sha256:b"), ("sha256:a",))
        assert send.images == tuple(f"{tag}-unproved" for tag in names.tags(ELSEWHERE, COMMIT).values())
        assert send.images == tuple(recipe.image for recipe in send.builds)
        assert whys(checks) == [f"check the image biometric-did-{kind} on the host, and tag it" for kind in KINDS]

    def test_same_build(self) -> None:
        """The same names, labels and arguments as on the host; for the host's kind of machine, at normal priority."""
        assert names.tags(ELSEWHERE, COMMIT) == names.tags(HOST, COMMIT)
        send = self.of()[0]
        assert isinstance(send, Send)
        here = [built_by(change)[0] for change in planned(images, HOST, {**converged(images, HOST), "images": ""})]
        assert [recipe.platform for recipe in (*send.builds, *here)] == ["linux/arm64", "linux/arm64", "", ""]
        for there, recipe in zip(send.builds, here, strict=True):
            assert replace(there, platform="", image="") == replace(recipe, image="")
        assert {file.path.name for file in send.files} == set(building.DOCKERFILES)

    def test_secrets_stay(self) -> None:
        """Nothing of .env is named in what runs on the operator's side."""
        send, *checks = self.of()
        assert isinstance(send, Send)
        assert not any(".env" in recipe.text for recipe in send.builds)
        backend, wallet = (shlex.split(script_of(check))[-2:] for check in checks)
        assert (backend[1], wallet[1]) == ("", "https://api.example.com")

    def test_one_alone(self) -> None:
        """What is there is neither built nor sent."""
        send, check = self.of(images=built(ELSEWHERE, BACKEND))
        assert isinstance(send, Send)
        assert len(send.images) == len(send.builds) == 1
        assert "biometric-did-wallet" in script_of(check)

    def test_no_dockerfiles_on_the_host(self) -> None:
        """Nothing is built there, so nothing is written there; unchanged is unchanged."""
        assert planned(images, ELSEWHERE, {**converged(images, ELSEWHERE), **HELD}) == ()


KINDS = ("backend", "wallet")
DIGESTED = "registry.example.com:5000/team/api@sha256:" + "a" * 64


def registry(backend: str = DIGESTED, wallet: str = "ghcr.io/team/wallet") -> Inventory:
    return inventory(build={"where": "registry"}, backend={"image": backend}, wallet={"image": wallet})


class TestRegistry:
    """Pulled on the host, checked like what is built, and given the names of the release."""

    @pytest.mark.parametrize(
        ("given", "pulled"),
        [
            (DIGESTED, DIGESTED),
            (DIGESTED.replace("@", ":v1@"), DIGESTED),
            ("nginx@sha256:" + "b" * 64, "nginx@sha256:" + "b" * 64),
            ("registry.example.com:5000/team/api:v1", "registry.example.com:5000/team/api:v1"),
            ("registry.example.com:5000/team/api", f"registry.example.com:5000/team/api:{COMMIT}"),
            ("api:v1", "api:v1"),
            ("api", f"api:{COMMIT}"),
        ],
    )
    def test_reference(self, given: str, pulled: str) -> None:
        """The digest where there is one, whatever tag stands before it; else the tag; else the commit as tag."""
        assert names.reference(registry(given), BACKEND, COMMIT) == pulled

    def test_plan(self) -> None:
        """Both are pulled; the wallet is searched for secrets and must know the API."""
        host = registry()
        backend, wallet = planned(images, host, {**converged(images, host), "images": ""})
        assert whys((backend, wallet)) == [
            f"pull {DIGESTED} as biometric-did-backend",
            f"pull ghcr.io/team/wallet:{COMMIT} as biometric-did-wallet",
        ]
        name = ("biometric-did-wallet", names.tags(host, COMMIT)[WALLET])
        pulled = ("image", "pull", f"ghcr.io/team/wallet:{COMMIT}", *name, "https://api.example.com")
        assert script_of(wallet) == run(host, *pulled)

    def test_another_image_is_another_release(self) -> None:
        """Another digest of the same commit is pulled; one that is built is never taken for one that is pulled."""
        other = registry(DIGESTED.replace("aaa", "bbb"))
        assert names.tags(other, COMMIT)[BACKEND] != names.tags(registry(), COMMIT)[BACKEND]
        assert names.tags(other, COMMIT)[WALLET] == names.tags(registry(), COMMIT)[WALLET]
        assert not set(names.tags(HOST, COMMIT).values()) & set(names.tags(registry(), COMMIT).values())


@pytest.mark.parametrize("name", building.DOCKERFILES)
def test_dockerfiles(name: str) -> None:
    """The tool's own Dockerfiles lie beside, for repositories that have none; they come before the build."""
    assert drifted(images, HOST, **{name: ""}) == [f"write /opt/biometric-did/.deployer/docker/{name} (absent)"]
    assert drifted(images, HOST, **{name: "", "images": ""})[1:] == list(BUILD.values())


def test_own_dockerfiles_bring_nothing_secret() -> None:
    """Neither .env nor .git nor keys get into an image (F5), and it does not run as root."""
    files = building.files(HOST)
    ignored = files["Dockerfile.backend.dockerignore"].content.decode()
    assert {".git", ".env", "*.pem"} <= {line.removeprefix("**/") for line in ignored.splitlines()}
    assert "USER appuser" in files["Dockerfile.backend"].content.decode()


def test_wallet_gets_the_address_of_the_api() -> None:
    """As an argument of the build, by the name that the inventory gives (F6, A9)."""
    host = inventory(wallet={"api_url_variable": "BIOMETRIC_API_URL", "output_dir": "build"})
    text = building.files(host)["Dockerfile.wallet"].content.decode()
    assert "ARG BIOMETRIC_API_URL\nENV BIOMETRIC_API_URL=${BIOMETRIC_API_URL}\n" in text
    assert "/app/build /usr/share/nginx/html" in text
