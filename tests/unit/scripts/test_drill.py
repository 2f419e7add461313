"""drill.sh with real bash, on a backup of the host program, and a docker command that pretends to run the copy."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
import yaml

from deployer.backups.drill import Drill, last
from deployer.backups.scripts.drill import drill_functions
from deployer.engine.host_program import settings_of
from deployer.inventory.model import Inventory
from deployer.remote.backup.make import make
from deployer.remote.host import Host
from deployer.text.shell import lines
from tests.support.fakes import IS_ROOT, bed, run_here
from tests.unit.remote.conftest import FakeDocker

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")

IMAGE = "t-backend:abc-1"
SECRET = "s3cret-of-the-application-4711"
RELEASE = {"id": "r1", "commit": "abc", "result": "deployed", "tags": {"backend-api": IMAGE, "demo-wallet": "w:1"}}
DOCKER = r"""#!/bin/bash
# `copies` has a line for each container of the copy: NAME SERVICE; commands run in the unpacked data/, as if mounted.
here=${0%/*}
echo "$*" >>"$here/asked"
case "$*" in
  version) [ ! -e "$here/silent" ] ;;
  "ps -q --filter status=running "*service=postgres) [[ $* != *-drill* ]] || echo pg ;;
  "ps -q --filter status="*service=backend-api) ;;
  "ps -a -q --filter label=com.docker.compose.project="*) cat "$here/foreign" 2>/dev/null ;;
  "ps -a "*service=*) service=${*##*service=}; sed -n "s/ ${service%% *}\$//p" "$here/copies" ;;
  "ps -a "*) cut -d' ' -f1 "$here/copies" ;;
  "network ls "*) cat "$here/networks" ;;
  "rm -f -v "*) [ ! -e "$here/stuck" ] && : >"$here/copies" ;;
  "network rm "*) : >"$here/networks" ;;
  "image inspect "*) grep -qxF "$3" "$here/images" ;;
  "compose "*)
    cp "$5" "$here/compose.seen"; echo "$3" >"$here/tree"
    [ ! -e "$here/refuses" ] || { echo "no: $(sed -n 's/^API_SECRET_KEY=//p' "$3/.env")"; exit 1; }
    echo "copy-${!#} ${!#}" >>"$here/copies"; echo net >"$here/networks" ;;
  "inspect "*) if [ -e "$here/ended" ]; then echo "exited 0"; else echo "running 0"; fi ;;
  "logs "*) echo "my key is $API_SECRET_KEY" ;;
  "exec -i "*" pg_restore "*) cat >"$here/restored"; [ ! -e "$here/refuses dump" ] ;;
  "exec -i "*" psql "*) cat "$here/rows" ;;
  "exec "*" pg_isready "*) ;;
  "exec "*X-Forwarded-Proto*) [ ! -e "$here/ended" ] ;;
  "exec "*) cd "$(cat "$here/tree")/data" && shift 2 && "$@" ;;
  *) echo "docker: '$*' is not a docker command" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Drilled:
    """A host with one backup, on which drills are run."""

    host: Inventory
    docker: Path

    @property
    def root(self) -> Path:
        return Path(self.host.root)

    @property
    def backups(self) -> list[Path]:
        return sorted(Path(self.host.backup.directory).glob("t-*"))

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.docker}:{os.environ['PATH']}", "API_SECRET_KEY": SECRET}

    def backup(self) -> Path:
        make(Host(settings_of(self.host), FakeDocker()))
        return self.backups[-1]

    def script(self, *before: str, backup: str = "", check: str = "grep -c one a") -> str:
        host = self.host
        checked = host.backup.model_copy(update={"check": ("sh", "-c", check) if check else ()})
        functions = drill_functions(host.model_copy(update={"backup": checked}))
        return lines(functions, *before, f"drill {backup}")

    def drill(self, *before: str, **how: str) -> "subprocess.CompletedProcess[str]":
        ran = run_here(self.script(*before, **how), **self.environment)
        assert SECRET not in ran.stdout + ran.stderr
        return ran

    def fails(self, *before: str, **how: str) -> str:
        """The reason: the last line, and in the evidence; whatever it is, nothing is left."""
        ran = self.drill(*before, **how)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        evidence = self.evidence
        assert (evidence.result, self.left) == ("failed", [])
        assert ran.stdout.splitlines()[-1] == f"drill of {evidence.backup or 'a backup'} failed: {evidence.why}"
        return evidence.why

    @property
    def evidence(self) -> Drill:
        found = last(Path(self.host.paths.drill_log).read_text())
        assert found
        return found

    @property
    def asked(self) -> list[str]:
        return (self.docker / "asked").read_text().splitlines()

    @property
    def started(self) -> list[str]:
        return [words.split()[-1] for words in self.asked if words.startswith("compose ")]

    @property
    def left(self) -> list[str]:
        files = [str(path) for path in (self.root / ".deployer").glob("drill/*")]
        return [*files, *(self.docker / "copies").read_text().split(), *(self.docker / "networks").read_text().split()]

    def pretend(self, name: str, text: str = "") -> None:
        (self.docker / name).write_text(text)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilled]:
    """With a backup, of which `pristine` is a copy."""
    directory = tmp_path_factory.mktemp("drill")
    with bed(directory) as machine:
        backup = machine.host.backup.model_copy(update={"directory": PurePosixPath(directory / "backups")})
        found = Drilled(machine.host.model_copy(update={"backup": backup}), directory / "docker")
        _pretend_docker(found.docker)
        _fill(found.root)
        found.backup()
        shutil.copytree(directory / "backups", directory / "pristine")
        yield found


@pytest.fixture
def there(host: Drilled) -> Drilled:
    """As it was before the first test."""
    backups = Path(host.host.backup.directory)
    for path in (backups, host.docker, host.root / ".deployer"):
        shutil.rmtree(path)
    shutil.copytree(backups.with_name("pristine"), backups)
    _pretend_docker(host.docker)
    _fill(host.root)
    return host


def _pretend_docker(docker: Path) -> None:
    docker.mkdir()
    for name, text in (("asked", ""), ("copies", ""), ("networks", ""), ("images", f"{IMAGE}\n"), ("docker", DOCKER)):
        (docker / name).write_text(text)
    (docker / "docker").chmod(0o755)


def _fill(root: Path) -> None:
    for name, text in (("data/a", "one\n"), ("logs/x.log", "x"), ("nginx/nginx.conf", "y"), ("nginx/ssl/k.pem", "z")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "data" / "a name\nof two lines").write_text("two")
    if not (root / "data" / "link").is_symlink():
        (root / "data" / "link").symlink_to("a")
    (root / ".env").write_text(f"API_SECRET_KEY={SECRET}\nDOMAIN='example.com'\n")
    (root / ".deployer").mkdir(exist_ok=True)
    (root / ".deployer" / "releases.jsonl").write_text(json.dumps(RELEASE) + "\n")


def damage(file: Path) -> None:
    """One byte in the middle, the size and the time as before."""
    data, state = bytearray(file.read_bytes()), file.stat()
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def wrapped(function: str, body: str) -> tuple[str, str]:
    """Another body for a function, which may call what it really does."""
    return f'really=$(declare -f {function}); eval "really_$really"', f"{function}() {{ {body}; }}"


class TestPasses:
    def test_evidence(self, there: Drilled) -> None:
        """What was compared, what the application said, on which backup; and nothing is left."""
        ran = there.drill()
        assert ran.returncode == 0, ran.stdout + ran.stderr
        evidence = there.evidence
        assert (evidence.result, evidence.why, evidence.backup) == ("passed", "", there.backups[0].name)
        assert (evidence.files, evidence.check, evidence.rows) == (7, "1", {})
        assert ran.stdout.splitlines()[-1] == f"drill passed: {evidence.backup}, 7 files, {evidence.seconds:.1f} s"
        assert (there.backups[0] / "verified").read_text().startswith("20")
        assert there.left == []

    def test_started_as_the_release_was(self, there: Drilled) -> None:
        """With the image that the backup names, on what was unpacked, one service without its dependencies."""
        there.drill()
        (compose,) = [words for words in there.asked if words.startswith("compose ")]
        copy = f"{there.root}/.deployer/drill"
        assert compose.startswith(f"compose --project-directory {copy}/new -f {copy}/compose.yml up ")
        assert "--no-deps --no-build backend-api" in compose
        seen = yaml.safe_load((there.docker / "compose.seen").read_text())
        assert seen["services"]["backend-api"]["image"] == IMAGE

    def test_evidence_is_appended(self, there: Drilled) -> None:
        """Each drill leaves a line."""
        there.drill()
        there.drill()
        assert Path(there.host.paths.drill_log).read_text().count("\n") == 2

    def test_without_a_check(self, there: Drilled) -> None:
        """It is said that the application was not asked."""
        ran = there.drill(check="")
        assert ran.returncode == 0
        assert "backup.check is not set" in ran.stdout

    def test_secret_in_an_answer(self, there: Drilled) -> None:
        """Masked, also in the evidence: by the restored .env."""
        ran = there.drill(check=f"echo key={SECRET}")
        assert "key=[secret]" in ran.stdout
        assert there.evidence.check == "key=[secret]"


class TestChoice:
    def test_incomplete_ones_are_skipped_by_name(self, there: Drilled) -> None:
        """As cron has no prefix: the newest whole one."""
        good = there.backups[0].name
        newer = there.backups[0].with_name(f"{there.host.name}_29991231_235959")
        newer.mkdir()
        ran = there.drill()
        assert ran.returncode == 0
        assert f"skipping {newer.name}, which is incomplete: SHA256SUMS is missing" in ran.stdout
        assert there.evidence.backup == good

    def test_the_one_that_is_named(self, there: Drilled) -> None:
        """Else the newest."""
        first, newest = there.backups[0].name, there.backup().name
        assert there.drill(backup=first).returncode == 0
        assert there.evidence.backup == first
        assert there.drill().returncode == 0
        assert there.evidence.backup == newest

    def test_none(self, there: Drilled) -> None:
        """A failed drill, with evidence."""
        (there.backups[0] / "SHA256SUMS").unlink()
        assert there.fails() == f"no complete backup in {there.host.backup.directory}"


class TestNothingIsStarted:
    """Whatever is wrong with the backup is found before."""

    @pytest.mark.parametrize("part", ["volumes", "config", "ssl", "files"])
    def test_damaged_afterwards(self, there: Drilled, part: str) -> None:
        """One bit, in any part."""
        file = next(there.backups[0].glob(f"*_{part}.*"))
        damage(file)
        assert there.fails() == f"{there.backups[0].name} is damaged: {file.name} is not what was written"
        assert there.started == []
        assert not (there.backups[0] / "verified").exists()

    def test_other_content(self, there: Drilled) -> None:
        """A file that came out in another way than it went in."""
        why = there.fails(*wrapped("matches_listing", 'echo more >>"$copy_root/data/a"; really_matches_listing "$1"'))
        assert why.startswith('the unpacked files differ from those that were backed up: {"path": "data/a"')
        assert there.started == []

    def test_other_number(self, there: Drilled) -> None:
        """The manifest counts as well."""
        fewer = wrapped("listing_of", 'really_listing_of "$1" | grep -v two')
        why = there.fails(*fewer, "unpack_backup() { :; }")
        assert why.startswith("volumes: 2 files of 5 bytes were unpacked, the manifest lists 3 files of ")
        assert there.started == []

    def test_no_room(self, there: Drilled) -> None:
        """Seen before anything is unpacked."""
        why = there.fails("df() { printf 'Avail\\n1000000\\n'; }", 'tar() { touch "$ROOT/unpacked"; }')
        assert why == (
            f"not enough disk space below {there.root} to unpack the backup: 16 MB are needed, 1 MB are free"
        )
        assert not (there.root / "unpacked").exists()

    def test_image_is_gone(self, there: Drilled) -> None:
        """It is not built for a drill; said with what to do."""
        there.pretend("images")
        assert there.fails().startswith(
            f"the image {IMAGE} of the backup's release is not on this host any more: test a"
        )
        assert there.started == []

    def test_no_release(self, there: Drilled) -> None:
        """A backup of a host on which nothing was deployed by this tool."""
        (there.root / ".deployer" / "releases.jsonl").unlink()
        there.backup()
        assert "does not name the release that was running" in there.fails()

    def test_docker_is_silent(self, there: Drilled) -> None:
        """Nothing is known of what may be left then."""
        there.pretend("silent")
        assert there.fails() == "Docker does not answer on this host"

    def test_name_of_another_deployment(self, there: Drilled) -> None:
        """Its containers are not taken for leftovers."""
        there.pretend("foreign", "its-container\n")
        assert "another deployment on this host is called" in there.fails()
        assert [words for words in there.asked if words.startswith("rm ")] == []


class TestApplication:
    def test_check_fails(self, there: Drilled) -> None:
        """What only the application knows; what it said is kept."""
        assert there.fails(check="echo torn; exit 3") == "the application's check (backup.check) ended with exit code 3"
        assert there.evidence.check == "torn"
        assert [words for words in there.asked if words.startswith(("rm ", "network rm"))] == [
            "rm -f -v copy-backend-api",
            "network rm net",
        ]

    def test_not_healthy(self, there: Drilled) -> None:
        """Its last words are shown, masked."""
        there.pretend("ended")
        why = there.fails()
        assert why == "the application does not become healthy on the restored data"

    def test_last_words(self, there: Drilled) -> None:
        """Of a container that ended at once."""
        there.pretend("ended")
        assert "  | my key is [secret]" in there.drill().stdout

    def test_not_started(self, there: Drilled) -> None:
        """Compose's own words are shown, masked."""
        there.pretend("refuses")
        ran = there.drill()
        assert "  | no: [secret]" in ran.stdout
        assert there.evidence.why == "backend-api could not be started in the copy"


class TestLeft:
    def test_by_a_killed_drill(self, there: Drilled) -> None:
        """Removed by the next one, and said."""
        there.pretend("copies", "old backend-api\n")
        there.pretend("networks", "old-net\n")
        copy = there.root / ".deployer" / "drill" / "new"
        copy.mkdir(parents=True)
        ran = there.drill()
        assert ran.stdout.splitlines()[0] == "removing what an earlier drill left: old"
        assert there.asked.index("rm -f -v old") < there.asked.index("network rm old-net")
        assert (ran.returncode, there.left) == (0, [])

    def test_broken_off(self, there: Drilled) -> None:
        """Nothing is left, and the evidence says so."""
        fifo = there.root / "reached"
        os.mkfifo(fifo)
        script = there.script(check=f"echo here >{fifo}; sleep 60")
        words = ["bash", "-euo", "pipefail", "-c", script]
        with subprocess.Popen(
            words, env={**os.environ, **there.environment}, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            fifo.read_text()
            os.killpg(process.pid, signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
        assert process.returncode == 143
        assert (there.evidence.result, there.evidence.why) == ("failed", "it was interrupted")
        assert said.splitlines()[-1].endswith("failed: it was interrupted")
        assert there.left == []

    def test_cannot_be_removed(self, there: Drilled) -> None:
        """A drill that leaves something has not passed."""
        there.pretend("stuck")
        ran = there.drill()
        assert ran.returncode == 1
        assert there.evidence.why == "the copy could not be removed"


class TestDatabase:
    """With a dump in the backup and a server that answers what it is told to."""

    HERE = ("DATABASE=app DATABASE_USER=ada",)

    def dumped(self, there: Drilled, rows: str) -> None:
        """As database.sh would have made it."""
        backup = there.backups[0]
        name = f"{backup.name}_database.dump"
        (backup / name).write_text("the dump")
        manifest = json.loads((backup / "manifest.json").read_text())
        part = {"part": "database", "file": name, "bytes": 8, "sha256": "", "files": 0, "unpacked": 0}
        manifest |= {"parts": [*manifest["parts"], part], "rows": json.loads(rows)}
        (backup / "manifest.json").write_text(json.dumps(manifest) + "\n")
        run_here(f'cd "{backup}" && sha256sum "{backup.name}"_* manifest.json >SHA256SUMS')

    def test_restored(self, there: Drilled) -> None:
        """Before the application starts, into a server of the copy's own; the rows are kept in the evidence."""
        self.dumped(there, '{"public.a": 2}')
        there.pretend("rows", '{"public.a" : 2}\n')
        ran = there.drill(*self.HERE)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert there.started == ["postgres", "backend-api"]
        assert (there.docker / "restored").read_text() == "the dump"
        assert there.evidence.rows == {"public.a": 2}
        assert "the database is restored: 2 rows in 1 tables" in ran.stdout
        (counted,) = [words for words in there.asked if " psql " in words]
        assert counted.startswith("exec -i pg psql "), "the live server was asked"

    def test_other_rows(self, there: Drilled) -> None:
        """The application is not even started."""
        self.dumped(there, '{"public.a": 2}')
        there.pretend("rows", '{"public.a" : 1}\n')
        why = there.fails(*self.HERE)
        assert why == "the restored database differs from the backup: public.a has 1 rows, and had 2"
        assert there.started == ["postgres"]

    def test_dump_is_refused(self, there: Drilled) -> None:
        """By pg_restore."""
        self.dumped(there, "{}")
        there.pretend("refuses dump")
        assert there.fails(*self.HERE) == "the dump could not be restored into an empty server"

    def test_no_database_any_more(self, there: Drilled) -> None:
        """The inventory has no server to restore into."""
        self.dumped(there, "{}")
        assert "postgres.enabled is false" in there.fails()
