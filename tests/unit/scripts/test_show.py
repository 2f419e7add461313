"""The latest commit and the serving one, with real git and bash, asked by the survey's own script."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from deployer.engine.changes import Change, Note, Stop
from deployer.engine.facts import Ask, Unknown
from deployer.inventory.model import Inventory
from deployer.releases.latest_commit import AtLatestCommit
from deployer.releases.source import ask_serving
from deployer.site.compose import PROXY
from deployer.steps import images, latest_commit, source
from deployer.text.shell import sh
from tests.support.fakes import asked_here, inventory, run_here, script_of, texts, whys
from tests.unit.remote.installed import install
from tests.unit.steps.hosts import container

from .docker import Docker


def git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "advice.detachedHead=false")
    ran = subprocess.run(["git", *identity, *words], cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def commit(directory: Path, message: str) -> str:
    git(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


@dataclass(frozen=True)
class Repositories:
    """A repository, and a host whose clone of it is as new as its first commit."""

    upstream: Path
    root: Path
    docker: Docker
    first: str

    def host(self, ref: str = "main") -> Inventory:
        host = inventory(source={"repository": "https://example.com/x.git", "ref": ref})
        changed = host.source.model_copy(update={"repository": str(self.upstream)})
        return host.model_copy(update={"root": PurePosixPath(self.root), "source": changed})

    @property
    def clone(self) -> Path:
        return self.root / "src"

    def latest(self, ref: str) -> list[str]:
        """What the host says of the ref."""
        return list(asked_here(latest_commit.probes(self.host(ref))).lines("latest"))

    def plan(self, ref: str = "main") -> tuple[Change | Note, ...]:
        host = self.host(ref)
        proxy = {"containers": Ask(sh("printf", "%s", container(host, PROXY)))}
        return tuple(latest_commit.plan(host, asked_here({**latest_commit.probes(host), **proxy})))

    def fetch(self, ref: str = "main") -> "subprocess.CompletedProcess[str]":
        (change,) = self.plan(ref)
        install(self.host(ref))
        return run_here(script_of(change))

    def following(self, ref: str) -> str:
        """The commit that is built and brought."""
        return asked_here({"commit": AtLatestCommit(images).probes(self.host(ref))["commit"]}).lines("commit")[0]

    def serve(self, text: str) -> None:
        """The proxy's upstream file."""
        directory = Path(self.host().paths.conf_d)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "biometric-did.upstreams").write_text(text)

    def log(self, *lines: tuple[str, str]) -> None:
        log = Path(self.host().paths.release_log)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(LINE % line for line in lines))

    def standing(self) -> str:
        return asked_here({"commit": ask_serving(self.host())})["commit"]


LINE = '{"id": "x", "ref": "main", "commit": "%s", "configuration": "c", "result": "%s", "why": ""}\n'
SERVERS = (
    "upstream wallet {\n    server biometric-did-demo-wallet-7:80 resolve;\n}\n\n"
    "upstream backend {\n    zone backend 4m;\n    server %s:8000 resolve max_fails=0;\n"
    "    server biometric-did-backend-api-9:8000 resolve max_fails=0;\n}\n"
)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repositories:
    docker = Docker.made(tmp_path / "docker")
    monkeypatch.setenv("PATH", docker.path(os.environ["PATH"]))
    upstream, root = tmp_path / "upstream", tmp_path / "root"
    upstream.mkdir()
    root.mkdir()
    git(upstream, "init", "--quiet", "--initial-branch", "main")
    first = commit(upstream, "Begin")
    git(root, "clone", "--quiet", str(upstream), "src")
    git(root / "src", "checkout", "--quiet", "--detach")
    return Repositories(upstream, root, docker, first)


class TestRef:
    def test_branch(self, there: Repositories) -> None:
        """Its newest commit, which the clone has not seen yet."""
        second = commit(there.upstream, "Go on")
        assert there.latest("main") == [second, "new"]
        assert there.following("main") == second

    def test_branch_with_a_path(self, there: Repositories) -> None:
        """No other branch whose name ends so is taken for it."""
        git(there.upstream, "checkout", "--quiet", "-b", "feature/main")
        commit(there.upstream, "Try")
        assert there.latest("main") == [there.first, "known"]

    def test_tag(self, there: Repositories) -> None:
        """A plain one names the commit."""
        git(there.upstream, "tag", "v1")
        commit(there.upstream, "Go on")
        assert there.latest("v1") == [there.first, "known"]
        assert there.following("v1") == there.first

    def test_annotated_tag(self, there: Repositories) -> None:
        """The commit that it points to, not its own id."""
        second = commit(there.upstream, "Go on")
        git(there.upstream, "tag", "-a", "-m", "x", "v2")
        assert git(there.upstream, "rev-parse", "v2") != second
        assert there.latest("v2") == [second, "new"]
        assert there.following("v2") == second

    def test_branch_before_tag(self, there: Repositories) -> None:
        """As git itself checks out a branch where both have the name."""
        git(there.upstream, "tag", "both")
        git(there.upstream, "branch", "both", commit(there.upstream, "Go on"))
        assert there.latest("both") == [git(there.upstream, "rev-parse", "refs/heads/both"), "new"]

    def test_commit(self, there: Repositories) -> None:
        """By its id, whole or shortened, as far as the clone knows it."""
        for ref in (there.first, there.first[:7], there.first[:12]):
            assert there.latest(ref) == [there.first, "known"]
            assert there.following(ref) == there.first

    def test_commit_that_the_clone_does_not_know(self, there: Repositories) -> None:
        """A whole id may be one that a fetch brings; of a short one nobody knows whose it is."""
        second = commit(there.upstream, "Go on")
        assert there.latest(second) == [second, "new"]
        assert there.latest(second[:10]) == []

    def test_branch_named_like_a_commit(self, there: Repositories) -> None:
        """The branch is meant."""
        second = commit(there.upstream, "Go on")
        git(there.upstream, "branch", there.first[:8], second)
        assert there.latest(there.first[:8])[0] == second

    @pytest.mark.parametrize("ref", ["nowhere", "mai", "HEAD", "0000000", "heads/main"])
    def test_missing(self, there: Repositories, ref: str) -> None:
        """The host answers, and there is none: the update stops, and says so."""
        assert there.latest(ref) == []
        with pytest.raises(Stop, match=f"has no branch, tag or commit {ref}"):
            there.plan(ref)

    def test_unreachable(self, there: Repositories) -> None:
        """A repository that does not answer has not lost its refs: nothing is known, neither here nor for the build."""
        there.upstream.rename(there.root / "moved")
        with pytest.raises(Unknown):
            there.latest("main")
        with pytest.raises(Unknown):
            there.plan()
        with pytest.raises(Unknown):
            there.following("main")

    def test_no_clone(self, there: Repositories) -> None:
        """A branch is found without one: it is the remote that is asked."""
        there.clone.rename(there.root / "moved")
        assert there.latest("main") == [there.first, "new"]


class TestCommits:
    def test_fetched_then_told(self, there: Repositories) -> None:
        """First the fetch alone; then what is new, newest first, with who wrote it. What is checked out stays."""
        second, third = commit(there.upstream, "Second | step"), commit(there.upstream, "Third = last")
        assert whys(there.plan()) == [f"fetch main: {third[:12]} (serving: {there.first[:12]})"]
        ran = there.fetch()
        assert ran.returncode == 0, ran.stderr
        (text,) = texts(there.plan())
        assert text == (
            f"main is at {third[:12]}, serving is {there.first[:12]}; 2 new:\n"
            f"{third[:7]} Third = last (Ada)\n{second[:7]} Second | step (Ada)"
        )
        assert git(there.clone, "rev-parse", "HEAD") == there.first

    def test_rewritten_history(self, there: Repositories) -> None:
        """It is fetched all the same; what was there before is not among the new."""
        commit(there.upstream, "To be dropped")
        assert there.fetch().returncode == 0
        git(there.upstream, "reset", "--quiet", "--hard", there.first)
        other = commit(there.upstream, "Instead")
        assert there.latest("main") == [other, "new"]
        assert there.fetch().returncode == 0
        assert there.latest("main") == [other, "known", f"{other[:7]} Instead (Ada)"]

    def test_moved_tag(self, there: Repositories) -> None:
        """The same for a tag."""
        git(there.upstream, "tag", "v1")
        git(there.clone, "fetch", "--quiet", "--tags")
        second = commit(there.upstream, "Go on")
        git(there.upstream, "tag", "--force", "v1")
        assert there.latest("v1") == [second, "new"]
        assert there.fetch("v1").returncode == 0
        assert git(there.clone, "rev-parse", "v1") == second

    def test_unrelated_history(self, there: Repositories) -> None:
        """A branch that has nothing in common with what serves."""
        git(there.upstream, "checkout", "--quiet", "--orphan", "other")
        other = commit(there.upstream, "Begin anew")
        assert there.fetch("other").returncode == 0
        assert there.latest("other") == [other, "known", f"{other[:7]} Begin anew (Ada)"]

    def test_at_most_fifty(self, there: Repositories) -> None:
        """A year's work is not told line by line."""
        for number in range(55):
            commit(there.upstream, f"Step {number}")
        assert there.fetch().returncode == 0
        assert len(there.latest("main")) == 2 + 50
        assert "50 or more new" in texts(there.plan())[0]

    def test_commit_that_nobody_has(self, there: Repositories) -> None:
        """The fetch says so."""
        ran = there.fetch("f" * 40)
        assert ran.returncode == 1
        assert f"the repository has no commit {'f' * 40}" in ran.stdout

    def test_local_changes(self, there: Repositories) -> None:
        """Of files that git knows; what is untracked is nobody's loss."""
        (there.clone / "mine").write_text("x")
        assert texts(there.plan()) == []
        git(there.clone, "add", "mine")
        with pytest.raises(Stop, match="the clone has local changes: mine"):
            there.plan()

    def test_clone_of_somebody_else(self, there: Repositories) -> None:
        """git refuses a directory of another user, unless it is told that it is meant."""
        if os.geteuid() != 0:
            pytest.skip("only root can give files away")
        for path in (there.clone, *there.clone.rglob("*")):
            os.chown(path, 65534, 65534)
        assert there.latest("main") == [there.first, "known"]


class TestStanding:
    NAMED = "biometric-did-backend-api-2"

    def test_container_that_the_proxy_names(self, there: Repositories) -> None:
        """The first of the backend's, whatever the wallet's upstream, other containers and the log say."""
        there.serve(SERVERS % self.NAMED)
        there.docker.run("biometric-did-backend-api-1", "1" * 40)
        there.docker.run(self.NAMED, "2" * 40)
        there.docker.run("biometric-did-backend-api-22", "3" * 40)
        there.docker.run("biometric-did-demo-wallet-7", "4" * 40)
        there.log(("5" * 40, "deployed"))
        assert there.standing() == "2" * 40

    def test_container_is_gone(self, there: Repositories) -> None:
        """The log knows what was deployed or restored last; a failed one never served."""
        there.serve(SERVERS % self.NAMED)
        there.log(("1" * 40, "deployed"), ("2" * 40, "deployed"), ("1" * 40, "restored"), ("3" * 40, "failed"))
        assert there.standing() == "1" * 40

    def test_first_release_is_on_its_way(self, there: Repositories) -> None:
        """Names that no container has yet, no log: the clone's commit."""
        there.serve(SERVERS % self.NAMED)
        assert there.standing() == there.first

    def test_nothing(self, there: Repositories) -> None:
        """No proxy, no log: the clone's commit; no clone: nothing."""
        assert there.standing() == there.first
        there.clone.rename(there.root / "moved")
        assert there.standing() == ""

    def test_half_a_line(self, there: Repositories) -> None:
        """Without power in the middle of a line the one before counts."""
        there.log(("1" * 40, "deployed"))
        with Path(there.host().paths.release_log).open("a") as log:
            log.write((LINE % ("2" * 40, "deployed"))[:60])
        assert there.standing() == "1" * 40

    def test_docker_is_silent(self, there: Repositories) -> None:
        """What serves is not guessed from the log: another commit would be built and brought."""
        there.serve(SERVERS % self.NAMED)
        there.log(("1" * 40, "deployed"))
        there.docker.fall_silent()
        with pytest.raises(Unknown, match="Cannot connect"):
            there.standing()

    def test_docker_is_not_asked_without_need(self, there: Repositories) -> None:
        """Before there is a proxy its silence hides nothing."""
        there.docker.fall_silent()
        there.log(("1" * 40, "deployed"))
        assert there.standing() == "1" * 40

    def test_same_for_source(self, there: Repositories) -> None:
        """A clone that is gone comes back at what serves, by the same question."""
        there.log(("1" * 40, "deployed"))
        running = source.probes(there.host())["running"]
        assert isinstance(running, Ask)
        assert asked_here({"running": running})["running"] == "1" * 40
