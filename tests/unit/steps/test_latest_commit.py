"""10.1 Fetch the latest commit: facts in, changes out."""

import pytest

from deployer.engine.changes import Note, Script, Stop
from deployer.site.compose import PROXY
from deployer.steps import latest_commit
from tests.support.fakes import inventory, planned, script_of, texts
from tests.unit.steps.hosts import COMMIT, NEWER, Answers, behind, container, converged, drifted, fresh

HOST = inventory()


def stop(answers: Answers) -> Note:
    with pytest.raises(Stop) as caught:
        planned(latest_commit, HOST, answers)
    (problem,) = caught.value.problems
    return problem


class TestStops:
    def test_no_release_runs(self) -> None:
        """An update needs something to update; who makes the first release is named."""
        problem = stop(fresh(latest_commit, HOST))
        assert problem == Note("no release runs on this host yet", "run `deployer provision --host web`")

    def test_no_release_runs_though_the_ref_is_known(self) -> None:
        """That is said first, whatever else is wrong."""
        answer = {**behind(latest_commit, HOST), "serving": "", "local changes": " M a"}
        assert stop(answer).text == "no release runs on this host yet"

    @pytest.mark.parametrize("answer", [container(HOST, PROXY, state="exited"), ""])
    def test_no_proxy_runs(self, answer: str) -> None:
        """A host that went down while its proxy was being replaced: who starts it again is named."""
        problem = stop({**converged(latest_commit, HOST), "containers": answer})
        assert problem == Note(
            "the proxy is not running, so visitors could not reach the new release",
            "run `deployer provision --host web`",
        )

    def test_local_changes(self) -> None:
        """They are named, and how to keep them is said: a release is made of commits."""
        problem = stop({**converged(latest_commit, HOST), "local changes": " M api.py\nMM src/x y.py\n D gone.py\n"})
        assert problem.text == "the clone has local changes: api.py, src/x y.py, gone.py"
        assert "git -C /opt/biometric-did/src checkout --force HEAD" in problem.remedy

    def test_many_local_changes(self) -> None:
        """The first ten are enough to know."""
        answer = "".join(f" M file{number}\n" for number in range(30))
        text = stop({**converged(latest_commit, HOST), "local changes": answer}).text
        assert text.endswith("file8, file9")

    @pytest.mark.parametrize("answer", ["", "\n"])
    def test_no_such_ref(self, answer: str) -> None:
        """The repository and the ref are named, and how another is given."""
        problem = stop({**converged(latest_commit, HOST), "latest": answer})
        assert problem.text == f"{HOST.source.repository} has no branch, tag or commit main"
        assert problem.remedy == "set source.ref in the inventory, or pass --ref with one that exists"


class TestNewCommit:
    def test_unknown_to_the_clone(self) -> None:
        """It is fetched; nothing is checked out, since the release that serves is left alone."""
        (change,) = planned(latest_commit, HOST, behind(latest_commit, HOST))
        assert isinstance(change, Script)
        assert change.why == f"fetch main: {NEWER[:12]} (serving: {COMMIT[:12]})"
        assert " fetch --quiet --force --tags origin " in change.script
        assert "checkout" not in change.script
        assert change.within > 600, "git's own limit comes first"

    def test_of_another_repository(self) -> None:
        """The clone is pointed to the inventory's before it fetches: it may have been another's."""
        host = inventory(source={"repository": "https://example.com/other.git"})
        text = script_of(planned(latest_commit, host, behind(latest_commit, host))[0])
        assert text.index("remote set-url origin https://example.com/other.git") < text.index(" fetch ")

    def test_that_the_fetch_does_not_bring(self) -> None:
        """A commit's id that nobody has is an error of the fetch, in words."""
        text = script_of(planned(latest_commit, HOST, behind(latest_commit, HOST))[0])
        assert f"cat-file -e '{NEWER}^{{commit}}' ||" in text
        assert f"the repository has no commit {NEWER}" in text

    def test_known_to_the_clone(self) -> None:
        """Only a note: what is new in it, latest first."""
        answer = f"{NEWER}\nknown\nabc1234 Mend the door (Ada)\ndef5678 Paint = it | (Grace)\n"
        (note,) = planned(latest_commit, HOST, {**converged(latest_commit, HOST), "latest": answer})
        assert isinstance(note, Note)
        assert note.text == (
            f"main is at {NEWER[:12]}, serving is {COMMIT[:12]}; 2 new:\n"
            "abc1234 Mend the door (Ada)\ndef5678 Paint = it | (Grace)"
        )

    def test_many_commits(self) -> None:
        """The host tells fifty at most; that there may be more is said."""
        answer = f"{NEWER}\nknown\n" + "abc1234 x (Ada)\n" * 50
        answers = {**converged(latest_commit, HOST), "latest": answer}
        assert "; 50 or more new:" in texts(planned(latest_commit, HOST, answers))[0]

    def test_older_commit(self) -> None:
        """Back to an older one with --ref: it has no commit that the serving one does not have."""
        answer = {**converged(latest_commit, HOST), "latest": f"{NEWER}\nknown\n"}
        (text,) = texts(planned(latest_commit, HOST, answer))
        assert text.endswith("it has no commit that the serving release does not have")

    def test_same_commit(self) -> None:
        """Nothing to do, nothing to say."""
        assert planned(latest_commit, HOST, converged(latest_commit, HOST)) == ()

    def test_same_commit_that_the_clone_lost(self) -> None:
        """A clone that was made anew, or is shallow: the build needs the commit."""
        assert drifted(latest_commit, HOST, latest=f"{COMMIT}\nnew\n") == [
            f"fetch main: {COMMIT[:12]} (serving: {COMMIT[:12]})"
        ]
