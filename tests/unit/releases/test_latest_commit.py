"""Steps that follow the ref instead of the commit that serves."""

import pytest

from deployer.engine.facts import Ask
from deployer.engine.plan import name_of
from deployer.releases.latest_commit import AtLatestCommit
from deployer.steps import images, latest_commit, release
from tests.support.fakes import inventory, planned, whys
from tests.unit.steps.hosts import NEWER, behind

HOST = inventory()


class TestFollowing:
    @pytest.mark.parametrize("step", [images, release])
    def test_is_told_as_the_step(self, step: object) -> None:
        """Its name and title are the step's own."""
        assert name_of(AtLatestCommit(images)) == "images"
        assert name_of(AtLatestCommit(release)) == "release"
        assert AtLatestCommit(images).TITLE == images.TITLE

    def test_asks_for_the_latest_commit(self) -> None:
        """In place of the one that serves; all else is asked as the step asks it."""
        following, own = AtLatestCommit(images).probes(HOST), images.probes(HOST)
        assert {key: probe for key, probe in following.items() if key != "commit"} == {
            key: probe for key, probe in own.items() if key != "commit"
        }
        asked = following["commit"]
        assert isinstance(asked, Ask)
        assert "ls-remote" in asked.script
        assert asked != own["commit"]

    def test_same_commit_for_both(self) -> None:
        """What is fetched is what is built and brought, and the remote is asked once."""
        asked = [AtLatestCommit(images).probes(HOST)["commit"], AtLatestCommit(release).probes(HOST)["commit"]]
        assert asked == [latest_commit.probes(HOST)["latest"]] * 2

    def test_plans_as_the_step(self) -> None:
        """From the same facts the same plan; what else is new does not matter."""
        answers = behind(AtLatestCommit(images), HOST)
        latest = {**answers, "commit": f"{NEWER}\nknown\nabc1234 x (Ada)\n"}
        alone = {**answers, "commit": NEWER}
        assert planned(AtLatestCommit(images), HOST, latest) == planned(images, HOST, alone)
        assert whys(planned(AtLatestCommit(images), HOST, answers)) == [
            "build the image biometric-did-backend",
            "build the image biometric-did-wallet",
        ]

    def test_ref_of_the_command(self) -> None:
        """Another ref is another question."""
        host = inventory(source={"ref": "v1.2"})
        asked = AtLatestCommit(images).probes(host)["commit"]
        assert isinstance(asked, Ask)
        assert "ref=v1.2 " in asked.script
        assert "refs/tags/v1.2" in asked.script
