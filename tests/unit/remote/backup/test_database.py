"""PostgreSQL in a backup: a snapshot of the pause, dumped and counted afterwards; tests answer for its container."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from deployer.remote.backup import database, make
from deployer.remote.config import Postgres
from deployer.remote.host import Host
from deployer.remote.process import OnOutput, Result

from .conftest import Application, Site

ROWS = {"public.a": 2}


@dataclass
class WithServer(Application):
    """The application's containers, and a server."""

    asked: list[str] = field(default_factory=list)
    runs: bool = True
    snapshot: str = "00000003-0000001B-1"
    tables: str = "a"
    refuses: str = ""
    """The word in a command of the server that fails."""

    def _ps(self, words: tuple[str, ...], stdin: bytes) -> Result:
        if any("service=postgres" in word for word in words):
            return Result(0, b"pg\n" if self.runs else b"")
        return super()._ps(words, stdin)

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        if words[0] != "exec":
            return super().__call__(*words, limit=limit, stdin=stdin, into=into)
        sql = stdin.decode() if isinstance(stdin, bytes) else ""
        said = f"{' '.join(words)} {sql}"
        self.asked.append(said)
        if self.refuses and self.refuses in said:
            return Result(1, b"ERROR: no\n")
        if "pg_dump" in words:
            assert into
            into.write(b"the dump")
            return Result(0, b"")
        return Result(0, self._answer(said, stdin).encode())

    def _answer(self, said: str, stdin: bytes | IO[bytes]) -> str:
        if "pg_restore" in said:
            assert not isinstance(stdin, bytes)
            return stdin.read().decode()
        answers = {
            "pg_database_size": "1000",
            "split_part": self.snapshot,
            "json_object_agg": json.dumps(ROWS),
            "limit 1": self.tables,
        }
        return next((f"{answer}\n" for word, answer in answers.items() if word in said), "")

    def number(self, word: str) -> int:
        """Which of all questions has this word."""
        return next(number for number, said in enumerate(self.asked) if word in said)


@pytest.fixture
def served(site: Site) -> Site:
    """With a database."""
    docker = WithServer()
    config = replace(site.host.config, postgres=Postgres("app", "ada"))
    return Site(Host(config, docker, site.timers), docker, site.timers)


def server(site: Site) -> WithServer:
    assert isinstance(site.docker, WithServer)
    return site.docker


def test_dumped(served: Site) -> None:
    """The dump is of the snapshot, in the manifest with the rows of each table, and so are they."""
    made = served.backup()
    assert (made / f"{made.name}_database.dump").read_bytes() == b"the dump"
    manifest = served.manifest(made)
    assert manifest["rows"] == ROWS
    assert "database" in [part["part"] for part in manifest["parts"]]  # type: ignore[attr-defined]
    docker = server(served)
    assert f"--snapshot={docker.snapshot}" in docker.asked[docker.number("pg_dump")]
    assert f"set transaction snapshot '{docker.snapshot}'" in docker.asked[docker.number("json_object_agg")]


def test_of_the_instant_of_the_pause(served: Site) -> None:
    """The session that exports it is started while the containers are paused, and is ended."""
    states: list[dict[str, str]] = []
    docker = server(served)
    real = docker._answer

    def answer(said: str, stdin: bytes | IO[bytes]) -> str:
        if "split_part" in said:
            states.append(dict(docker.states))
        return real(said, stdin)

    docker._answer = answer  # type: ignore[method-assign]
    served.backup()
    assert states == [{"backend-1": "paused", "backend-2": "paused"}]
    ended = [number for number, said in enumerate(docker.asked) if "pg_terminate_backend" in said]
    assert ended[0] < docker.number("pg_export_snapshot") < docker.number("pg_dump") < ended[1]
    assert docker.asked[docker.number("pg_export_snapshot")].startswith("exec --detach pg psql ")


@pytest.mark.parametrize(
    ("refuses", "expected"),
    [
        ("limit 1", "PostgreSQL does not answer: ERROR: no; see deployer logs postgres"),
        ("pg_database_size", "PostgreSQL does not answer: ERROR: no"),
        ("pg_export_snapshot", "PostgreSQL exported no snapshot: ERROR: no"),
        ("json_object_agg", "PostgreSQL does not answer: ERROR: no"),
        ("pg_dump", "the dump of the database ended early:\n  | ERROR: no"),
        ("pg_restore", "the dump of the database cannot be read: ERROR: no"),
    ],
)
def test_refused(served: Site, refuses: str, expected: str) -> None:
    """Each with the server's own message; nothing is left."""
    server(served).refuses = refuses
    assert served.refused().startswith(expected)


def test_a_session_that_never_begins(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application is not paused for longer than it may."""
    monkeypatch.setattr(database, "SNAPSHOT_SECONDS", 0.1)
    server(served).snapshot = ""
    assert served.refused() == "PostgreSQL exported no snapshot"


def test_the_server_does_not_run(served: Site) -> None:
    """Found before anything is paused."""
    server(served).runs = False
    assert "PostgreSQL does not run" in served.refused()
    assert served.docker.pauses == []


def test_rows_alone_are_worth_a_backup(served: Site) -> None:
    """Without any file; without both there is nothing."""
    for path in [*served.data.rglob("*"), *(served.root / "logs").rglob("*")]:
        if path.is_file():
            path.unlink()
    served.backup()
    server(served).tables = ""
    assert "nothing to back up" in served.refused()


def test_the_previous_database(served: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """What a restore has replaced is dropped; where that fails the backup is made all the same."""
    served.backup()
    assert server(served).number('drop database if exists "app_former"')
    server(served).refuses = "drop database"
    make.make(served.host)
    why = "the previous database could not be removed; the next backup tries again: PostgreSQL refuses: ERROR: no"
    assert why in capsys.readouterr().out


def test_none(site: Site, tmp_path: Path) -> None:
    """Nobody is asked for one."""
    site.backup()
    assert [words for words in site.docker.calls if words[0] == "exec"] == []
