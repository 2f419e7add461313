"""A restore from the verified backup to the end, and its undo, with everything but the unit around it."""

import json

import pytest

from deployer.remote.failure import Failure
from deployer.remote.release import kept
from deployer.remote.restore import recover, swap_in
from deployer.remote.restore.compare import compare
from deployer.remote.restore.journal import BACK, SERVING, SWAPPING

from .conftest import OLD, Restoring

BEFORE = {"data/records": "one\ntwo\n", "data/later": "more", "logs/app.log": "x"}


def secret(restoring: Restoring) -> str:
    return (restoring.root / ".env").read_text().split("API_SECRET_KEY=")[1][0]


class TestGoesWell:
    def test_everything(self, restoring: Restoring) -> None:
        """What was backed up is in place, on new containers, which the proxy names; the previous state is kept."""
        restoring.unpack()
        restoring.swap()
        assert restoring.journal.phase == SERVING
        recover.end(restoring.host)
        assert {name: text for name, text in restoring.files.items() if name != ".env"} == OLD
        assert secret(restoring) == "s"
        assert restoring.deployed.site.running("backend-api") == restoring.deployed.serves()[:1]
        assert "backend-api-1:" not in restoring.deployed.upstreams
        former = next((restoring.host.config.state / "former").iterdir())
        assert (former / "data" / "later").read_text() == "more"
        assert restoring.left == []

    def test_one_part(self, restoring: Restoring) -> None:
        """Data alone: the secrets stay, the backend is started anew and the wallet is not."""
        wallets = restoring.deployed.site.running("demo-wallet")
        restoring.unpack("data")
        restoring.swap()
        recover.end(restoring.host)
        assert (secret(restoring), restoring.files["data/records"]) == ("n", "one\n")
        assert restoring.deployed.site.running("demo-wallet") == wallets

    def test_certificates_alone(self, restoring: Restoring) -> None:
        """No container is touched."""
        before = dict(restoring.deployed.site.containers)
        restoring.unpack("ssl")
        restoring.swap()
        recover.end(restoring.host)
        assert restoring.deployed.site.containers == before
        assert restoring.left == []

    def test_fallback(self, restoring: Restoring) -> None:
        """The image of the backup is gone: the one that was built for its commit is started."""
        restoring.deployed.site.fails = ("image inspect --format={{.Id}} app-backend:9",)
        wanted = restoring.wanted(version="9")
        restoring.unpack(version="9")
        journal = restoring.journal
        (journal.directory / "wanted.json").write_text(
            json.dumps({**json.loads(wanted.text), "fallback": {"backend-api": "app-backend:2"}})
        )
        restoring.swap()
        images = {each.image for each in restoring.deployed.site.containers.values() if each.status == "running"}
        assert images == {"app-backend:2", "app-wallet:9"}


class TestIsUndone:
    def test_not_healthy(self, restoring: Restoring) -> None:
        """Exit code 4: the previous containers serve on the previous state; nothing of the new ones is left."""
        restoring.deployed.site.behaviour["app-backend:2"] = 500
        before = restoring.deployed.upstreams
        restoring.unpack(version="2")
        with pytest.raises(Failure, match="answers 500"):
            restoring.swap()
        assert restoring.journal.phase == SWAPPING
        with pytest.raises(Failure) as failure:
            restoring.recover()
        assert (failure.value.exit_code, restoring.journal.phase) == (4, BACK)
        recover.forget(restoring.host)
        assert {name: text for name, text in restoring.files.items() if name != ".env"} == BEFORE
        assert restoring.deployed.upstreams == before
        assert restoring.deployed.site.running("backend-api") == restoring.deployed.serves()[:1]
        assert restoring.left == []

    def test_none_served_before(self, restoring: Restoring) -> None:
        """Exit code 1."""
        restoring.deployed.site.containers.clear()
        restoring.deployed.site.behaviour["app-backend:2"] = 500
        restoring.unpack(version="2")
        with pytest.raises(Failure):
            restoring.swap()
        with pytest.raises(Failure) as failure:
            restoring.recover()
        assert failure.value.exit_code == 1

    def test_what_was_live_for_a_moment_is_kept(self, restoring: Restoring) -> None:
        """After a check from outside that failed: visitors may have written to it."""
        restoring.unpack()
        restoring.swap()
        (restoring.root / "data" / "written").write_text("by a visitor")
        with pytest.raises(Failure) as failure:
            recover.back(restoring.host)
        assert failure.value.exit_code == 4
        (taken,) = (restoring.host.config.state / "former").glob("*_taken_back")
        assert (taken / "data" / "written").read_text() == "by a visitor"
        assert {name: text for name, text in restoring.files.items() if name != ".env"} == BEFORE
        assert restoring.left == []

    def test_no_image(self, restoring: Restoring) -> None:
        """Nothing is touched."""
        restoring.deployed.site.fails = ("image inspect --format={{.Id}} app-backend:9",)
        restoring.unpack(version="9")
        with pytest.raises(Failure, match="the image app-backend:9 of backend-api is not on this host"):
            restoring.swap()
        assert (restoring.journal.phase, restoring.files["data/later"]) == ("", "more")

    def test_maintenance_that_was_on_stays_on(self, restoring: Restoring) -> None:
        """Only what the restore switched on it switches off."""
        swap_in.page(restoring.host).write_text("{}")
        restoring.unpack()
        restoring.swap()
        assert swap_in.page(restoring.host).read_text() == "{}"


class TestInterrupted:
    def test_before_anything_was_touched(self, restoring: Restoring) -> None:
        """What was unpacked is removed."""
        restoring.unpack()
        recover.finish_interrupted(restoring.host)
        assert restoring.left == []

    def test_after_it_served(self, restoring: Restoring) -> None:
        """It is finished."""
        restoring.unpack()
        restoring.swap()
        recover.finish_interrupted(restoring.host)
        assert restoring.files["data/records"] == "one\n"
        assert restoring.left == []

    def test_undone_by_the_next_run(self, restoring: Restoring, capsys: pytest.CaptureFixture[str]) -> None:
        """No secret of either state is printed, whatever Docker says."""
        restoring.deployed.site.behaviour["app-backend:2"] = 500
        restoring.unpack(version="2")
        with pytest.raises(Failure):
            restoring.swap()
        capsys.readouterr()
        recover.finish_interrupted(restoring.host)
        said = capsys.readouterr().out
        assert said.startswith(f"the restore of {restoring.backup.name} was interrupted\n")
        assert ("n" * 40 in said, "s" * 40 in said) == (False, False)
        assert {name: text for name, text in restoring.files.items() if name != ".env"} == BEFORE
        assert restoring.left == []

    def test_secret_in_a_failure(self, restoring: Restoring) -> None:
        """What Docker says of a container may hold one: it is masked in the failure as well."""
        restoring.unpack()
        with pytest.raises(Failure, match=r"^refused: \[secret\] and \[secret\]$"), recover.undoing(restoring.host):
            raise Failure(f"refused: {'n' * 40} and {'s' * 40}")


class TestComparison:
    def test_the_same_files_differ_afterwards(self, restoring: Restoring, capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing is written."""
        compare(restoring.host, restoring.wanted("data"))
        found = {(line["what"], line["path"]) for line in map(json.loads, capsys.readouterr().out.splitlines())}
        assert found == {("changes", "data"), ("changes", "data/records"), ("disappears", "data/later")}
        assert restoring.left == []


def test_kept_releases(restoring: Restoring) -> None:
    """Their records come back, to which a rollback can go."""
    kept.directory(restoring.host).joinpath("first", "services").unlink()
    restoring.unpack()
    restoring.swap()
    assert [each.name for each in kept.services(restoring.host, "first")] == ["backend-api", "demo-wallet"]
