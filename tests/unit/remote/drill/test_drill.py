"""A drill decides by what it sees: of files, of the application, of the database; and leaves nothing but evidence."""

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from deployer.remote.drill import copy, verbs
from deployer.remote.failure import Failure

from .conftest import IMAGE, SECRET, Drilled


def damage(file: Path) -> None:
    """One byte in the middle, the size and the time as before."""
    data, state = bytearray(file.read_bytes()), file.stat()
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


class TestPasses:
    def test_evidence(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """What was compared, what the application printed, on which backup; and nothing is left."""
        assert drilled.drill() is None
        evidence = drilled.evidence
        assert (evidence.result, evidence.why, evidence.backup) == ("passed", "", drilled.backups[0].name)
        assert (evidence.check, evidence.rows) == ("1", {})
        last = f"drill passed: {evidence.backup}, {evidence.files} files, {evidence.seconds:.1f} s"
        assert capsys.readouterr().out.splitlines()[-1] == last
        assert (drilled.backups[0] / "verified").read_text().startswith("20")
        assert drilled.left == []

    def test_started_as_the_release_was(self, drilled: Drilled) -> None:
        """With the image that the backup names, on what was unpacked, one service without its dependencies."""
        drilled.drill()
        (compose,) = [words for words in drilled.docker.calls if words.startswith("compose ")]
        place = f"{drilled.root}/.deployer/drill"
        assert compose.startswith(f"compose --project-directory {place}/new -f {place}/compose.yml up ")
        assert "--no-deps --no-build backend-api" in compose
        assert yaml.safe_load(drilled.docker.composed)["services"]["backend-api"]["image"] == IMAGE

    def test_evidence_is_appended(self, drilled: Drilled) -> None:
        """Each drill leaves a line; after one that a power cut left half-written it begins a new one."""
        verbs.log(drilled.host).write_text('{"time": "2026')
        drilled.drill()
        drilled.drill()
        assert verbs.log(drilled.host).read_text().count("\n") == 3
        assert drilled.evidence.passed

    def test_without_a_check(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """It is reported that the application was not asked."""
        assert drilled.drill(check=[]) is None
        assert "backup.check is not set" in capsys.readouterr().out

    def test_secret_in_an_answer(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """Masked, also in the evidence: by the restored .env."""
        drilled.drill(check=["echo", f"key={SECRET}"])
        assert "key=[secret]" in capsys.readouterr().out
        assert drilled.evidence.check == "key=[secret]"


class TestChoice:
    def test_incomplete_ones_are_skipped_by_name(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """Without a name, as for cron: the latest complete one."""
        good = drilled.backups[0].name
        newer = drilled.backups[0].with_name(f"{drilled.host.config.name}_29991231_235959")
        newer.mkdir()
        assert drilled.drill() is None
        assert f"skipping {newer.name}, which is incomplete: SHA256SUMS is missing" in capsys.readouterr().out
        assert drilled.evidence.backup == good

    def test_the_one_that_is_named(self, drilled: Drilled) -> None:
        """Else the latest."""
        first, latest = drilled.backups[0].name, drilled.backup().name
        assert drilled.drill(backup=first) is None
        assert drilled.evidence.backup == first
        assert drilled.drill() is None
        assert drilled.evidence.backup == latest

    def test_none(self, drilled: Drilled) -> None:
        """A failed drill, with evidence."""
        (drilled.backups[0] / "SHA256SUMS").unlink()
        assert drilled.fails() == f"no complete backup in {drilled.host.config.backups}"


class TestNothingIsStarted:
    """Whatever is wrong with the backup is found before."""

    @pytest.mark.parametrize("part", ["volumes", "config", "ssl", "files"])
    def test_damaged_afterwards(self, drilled: Drilled, part: str) -> None:
        """One bit, in any part."""
        file = next(drilled.backups[0].glob(f"*_{part}.*"))
        damage(file)
        assert drilled.fails() == f"{drilled.backups[0].name} is damaged: {file.name} is not what was written"
        assert drilled.docker.started == []
        assert not (drilled.backups[0] / "verified").exists()

    def test_image_is_gone(self, drilled: Drilled) -> None:
        """It is not built for a drill; the message names what to do."""
        drilled.docker.images.clear()
        wanted = f"the image {IMAGE} of the backup's release is not on this host any more: test a newer backup"
        assert drilled.fails().startswith(wanted)
        assert drilled.docker.started == []

    def test_no_release(self, drilled: Drilled) -> None:
        """A backup of a host on which nothing was deployed by this tool."""
        (drilled.root / ".deployer" / "releases.jsonl").unlink()
        drilled.backup()
        assert "does not name the release that was running" in drilled.fails()

    def test_docker_is_silent(self, drilled: Drilled) -> None:
        """Nothing is known of what may be left then."""
        drilled.docker.fails = ("version",)
        assert drilled.fails() == "Docker does not answer on this host"

    def test_name_of_another_deployment(self, drilled: Drilled) -> None:
        """Its containers are not taken for leftovers."""
        drilled.docker.foreign = "its-container"
        assert "another deployment on this host is called" in drilled.fails()
        assert [words for words in drilled.docker.calls if words.startswith("rm ")] == []

    def test_not_provisioned_by_this_version(self, drilled: Drilled) -> None:
        """The copy's compose file is missing: the message names the command."""
        (drilled.root / ".deployer" / copy.TEMPLATE).unlink()
        assert drilled.fails().endswith(f"{copy.TEMPLATE} is missing: run `deployer provision`")


class TestApplication:
    def test_check_fails(self, drilled: Drilled) -> None:
        """What only the application knows; what it printed is kept."""
        why = drilled.fails(check=["sh", "-c", "echo torn; exit 3"])
        assert why == "the application's check (backup.check) ended with exit code 3"
        assert drilled.evidence.check == "torn"

    def test_not_healthy(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """The end of its log is shown, masked."""
        drilled.docker.ended = True
        closed = replace(drilled.host.config.drill, port=9)
        drilled.host = replace(drilled.host, config=replace(drilled.host.config, drill=closed))
        assert drilled.fails() == "the application does not become healthy on the restored data"
        assert "  | my key is [secret]" in capsys.readouterr().out

    def test_not_started(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """What Compose prints is shown, masked."""
        drilled.docker.fails = ("compose",)
        assert drilled.fails() == "backend-api could not be started in the copy"
        assert "  | no: [secret]" in capsys.readouterr().out


class TestLeft:
    def test_by_a_killed_drill(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """Removed by the next one, and reported."""
        drilled.docker.containers["old"] = "backend-api"
        drilled.docker.networks.append("old-net")
        (drilled.root / ".deployer" / "drill" / "new").mkdir(parents=True)
        assert drilled.drill() is None
        assert capsys.readouterr().out.splitlines()[0] == "removing what an earlier drill left: old"
        assert drilled.left == []

    def test_interrupted(self, drilled: Drilled, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is left, and the evidence says so."""

        def ended(*words: object) -> None:
            raise Failure("ended by SIGTERM", exit_code=143)

        monkeypatch.setattr("deployer.remote.drill.rehearsal.Rehearsal._start_application", ended)
        failure = drilled.drill()
        assert failure is not None
        assert failure.exit_code == 143
        assert (drilled.evidence.result, drilled.evidence.why) == ("failed", "it was interrupted")
        assert drilled.left == []

    def test_cannot_be_removed(self, drilled: Drilled) -> None:
        """A drill that leaves something has not passed."""
        drilled.docker.fails = ("rm ",)
        drilled.drill()
        assert drilled.evidence.why == "the copy could not be removed"


class TestDatabase:
    """With a dump in the backup and a server in the copy."""

    def dumped(self, drilled: Drilled, rows: str) -> None:
        """As the part `database` would have made it."""
        backup = drilled.backups[0]
        name = f"{backup.name}_database.dump"
        (backup / name).write_text("the dump")
        manifest = json.loads((backup / "manifest.json").read_text())
        part = {"part": "database", "file": name, "bytes": 8, "sha256": "", "files": 0, "unpacked": 0}
        manifest |= {"parts": [*manifest["parts"], part], "rows": json.loads(rows)}
        (backup / "manifest.json").write_text(json.dumps(manifest) + "\n")
        summed = sorted(path for path in backup.iterdir() if path.name not in ("SHA256SUMS", "verified"))
        sums = "".join(f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in summed)
        (backup / "SHA256SUMS").write_text(sums)

    def test_restored(self, drilled: Drilled, capsys: pytest.CaptureFixture[str]) -> None:
        """Before the application starts, into a server of the copy's own; the rows are kept in the evidence."""
        self.dumped(drilled, '{"public.a": 2}')
        drilled.docker.rows = '{"public.a" : 2}'
        assert drilled.drill(database="app") is None
        assert drilled.docker.started == ["postgres", "backend-api"]
        assert drilled.docker.restored == b"the dump"
        assert drilled.evidence.rows == {"public.a": 2}
        assert "the database is restored: 2 rows in 1 tables" in capsys.readouterr().out
        (counted,) = [words for words in drilled.docker.calls if " psql " in words]
        assert counted.startswith("exec --interactive copy-postgres psql "), "the live server was asked"

    def test_other_rows(self, drilled: Drilled) -> None:
        """The application is not even started."""
        self.dumped(drilled, '{"public.a": 2}')
        drilled.docker.rows = '{"public.a" : 1}'
        why = drilled.fails(database="app")
        assert why == "the restored database differs from the backup: public.a has 1 rows, and had 2"
        assert drilled.docker.started == ["postgres"]

    def test_dump_is_refused(self, drilled: Drilled) -> None:
        """By pg_restore."""
        self.dumped(drilled, "{}")
        drilled.docker.fails = ("exec --interactive copy-postgres pg_restore",)
        assert drilled.fails(database="app").startswith("the database could not be restored into app")

    def test_no_database_any_more(self, drilled: Drilled) -> None:
        """The inventory has no server to restore into."""
        self.dumped(drilled, "{}")
        assert "postgres.enabled is false" in drilled.fails()
