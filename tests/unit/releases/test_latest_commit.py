"""10.1 Fetch, and the steps that follow the ref: facts in, changes out."""

import pytest

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask
from deployer.engine.plan import name_of
from deployer.releases import latest_commit as newest
from deployer.releases.latest_commit import AtLatestCommit
from deployer.site.compose import PROXY
from deployer.steps import images, release
from tests.support.fakes import inventory, planned, script_of, texts, whys
from tests.unit.steps.hosts import COMMIT, NEWER, Answers, behind, container, converged, drifted, fresh

HOST = inventory()


def stop(answers: Answers) -> Note:
    with pytest.raises(Stop) as caught:
        planned(newest, HOST, answers)
    (problem,) = caught.value.problems
    return problem


class TestStops:
    def test_no_release_runs(self) -> None:
        """An update needs something to update; who makes the first release is named."""
        problem = stop(fresh(newest, HOST))
        assert problem == Note("no release runs here yet", "deployer provision --host web")

    def test_no_release_runs_though_the_ref_is_known(self) -> None:
        """That is said first, whatever else is wrong."""
        told = {**behind(newest, HOST), "standing": "", "local changes": " M a"}
        assert stop(told).text == "no release runs here yet"

    @pytest.mark.parametrize("told", [container(HOST, PROXY, state="exited"), ""])
    def test_no_proxy_runs(self, told: str) -> None:
        """A host that went down while its proxy was being replaced: who starts it again is named."""
        problem = stop({**converged(newest, HOST), "containers": told})
        assert problem == Note(
            "the proxy does not run: nobody could see the new release", "deployer provision --host web"
        )

    def test_local_changes(self) -> None:
        """They are named, and how to keep them is said: a release is made of commits."""
        problem = stop({**converged(newest, HOST), "local changes": " M api.py\nMM src/x y.py\n D gone.py\n"})
        assert problem.text == "the clone has local changes: api.py, src/x y.py, gone.py"
        assert "git -C /opt/biometric-did/src checkout --force HEAD" in problem.remedy

    def test_many_local_changes(self) -> None:
        """The first ten are enough to know."""
        told = "".join(f" M file{number}\n" for number in range(30))
        text = stop({**converged(newest, HOST), "local changes": told}).text
        assert text.endswith("file8, file9")

    @pytest.mark.parametrize("told", ["", "\n"])
    def test_no_such_ref(self, told: str) -> None:
        """The repository and the ref are named, and how another is given."""
        problem = stop({**converged(newest, HOST), "newest": told})
        assert problem.text == f"{HOST.source.repository} has no branch, tag or commit main"
        assert problem.remedy == "give another with --ref"


class TestNewCommit:
    def test_unknown_to_the_clone(self) -> None:
        """It is fetched; nothing is checked out, since the release that serves is left alone."""
        (change,) = planned(newest, HOST, behind(newest, HOST))
        assert isinstance(change, Script)
        assert change.why == f"fetch main: {NEWER[:12]} (serving: {COMMIT[:12]})"
        assert " fetch --quiet --force --tags origin " in change.script
        assert "checkout" not in change.script
        assert change.within > 600, "git's own limit comes first"

    def test_of_another_repository(self) -> None:
        """The clone is pointed to the inventory's before it fetches: it may have been another's."""
        host = inventory(source={"repository": "https://example.com/other.git"})
        text = script_of(planned(newest, host, behind(newest, host))[0])
        assert text.index("remote set-url origin https://example.com/other.git") < text.index(" fetch ")

    def test_that_the_fetch_does_not_bring(self) -> None:
        """A commit's id that nobody has is an error of the fetch, in words."""
        text = script_of(planned(newest, HOST, behind(newest, HOST))[0])
        assert f"cat-file -e '{NEWER}^{{commit}}' ||" in text
        assert f"the repository has no commit {NEWER}" in text

    def test_known_to_the_clone(self) -> None:
        """Only a note: what is new in it, newest first."""
        told = f"{NEWER}\nknown\nabc1234 Mend the door (Ada)\ndef5678 Paint = it | (Grace)\n"
        (note,) = planned(newest, HOST, {**converged(newest, HOST), "newest": told})
        assert isinstance(note, Note)
        assert note.text == (
            f"main is {NEWER[:12]}, serving is {COMMIT[:12]}; 2 new:\n"
            "abc1234 Mend the door (Ada)\ndef5678 Paint = it | (Grace)"
        )

    def test_many_commits(self) -> None:
        """The host tells fifty at most; that there may be more is said."""
        told = f"{NEWER}\nknown\n" + "abc1234 x (Ada)\n" * 50
        assert "; 50 or more new:" in texts(planned(newest, HOST, {**converged(newest, HOST), "newest": told}))[0]

    def test_older_commit(self) -> None:
        """Back to an older one with --ref: it has no commit that the serving one does not have."""
        told = {**converged(newest, HOST), "newest": f"{NEWER}\nknown\n"}
        (text,) = texts(planned(newest, HOST, told))
        assert text.endswith("it has no commit that the serving release does not have")

    def test_same_commit(self) -> None:
        """Nothing to do, nothing to say."""
        assert planned(newest, HOST, converged(newest, HOST)) == ()

    def test_same_commit_that_the_clone_lost(self) -> None:
        """A clone that was made anew, or is shallow: the build needs the commit."""
        assert drifted(newest, HOST, newest=f"{COMMIT}\nnew\n") == [
            f"fetch main: {COMMIT[:12]} (serving: {COMMIT[:12]})"
        ]


class TestFollowing:
    @pytest.mark.parametrize("step", [images, release])
    def test_is_told_as_the_step(self, step: object) -> None:
        """Its name and title are the step's own."""
        assert name_of(AtLatestCommit(images)) == "images"
        assert name_of(AtLatestCommit(release)) == "release"
        assert AtLatestCommit(images).TITLE == images.TITLE

    def test_asks_for_the_newest_commit(self) -> None:
        """In place of the one that serves; all else is asked as the step asks it."""
        following, own = AtLatestCommit(images).probes(HOST), images.probes(HOST)
        assert {key: probe for key, probe in following.items() if key != "commit"} == {
            key: probe for key, probe in own.items() if key != "commit"
        }
        asked = following["commit"]
        assert isinstance(asked, Ask)
        assert "ls-remote" in asked.script
        assert "LOG=no\n" in asked.script
        assert asked != own["commit"]

    def test_same_commit_for_both(self) -> None:
        """Build and roll-out ask the same question: what is built is what is brought."""
        assert AtLatestCommit(images).probes(HOST)["commit"] == AtLatestCommit(release).probes(HOST)["commit"]

    def test_plans_as_the_step(self) -> None:
        """From the same facts the same plan."""
        answers = behind(AtLatestCommit(images), HOST)
        assert planned(AtLatestCommit(images), HOST, answers) == planned(images, HOST, answers)
        assert whys(planned(AtLatestCommit(images), HOST, answers)) == [
            "build the image biometric-did-backend",
            "build the image biometric-did-wallet",
        ]

    def test_ref_of_the_command(self) -> None:
        """Another ref is another question."""
        host = inventory(source={"ref": "v1.2"})
        asked = AtLatestCommit(images).probes(host)["commit"]
        assert isinstance(asked, Ask)
        assert "REF=v1.2\n" in asked.script
        assert "refs/tags/v1.2" in asked.script
