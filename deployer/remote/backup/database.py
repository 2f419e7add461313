"""The part `database`: PostgreSQL, dumped as of the instant of the pause.

A session in the server's container exports its snapshot then, and waits. The dump, and the count of the rows, read that
snapshot while the application runs again. The session shows the snapshot in its application_name, and ends by itself.
"""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from deployer.remote import signals
from deployer.remote.backup import restored_database
from deployer.remote.backup.making import Making
from deployer.remote.backup.psql import COUNT, SECONDS, USER_TABLES, answer, ask, last, psql, server
from deployer.remote.backup.tree import Item
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

NAME = "deployer-backup"
"""With which the application_name of each such session begins."""
LONG_SECONDS = 12 * 3600.0
SNAPSHOT_SECONDS = 15.0
"""Until it is exported: the application is paused so long."""
HELD_SECONDS = 6 * 3600
"""For which the session waits, should nobody end it."""
LINES = 5
HOLD = """begin isolation level repeatable read, read only;
select set_config('application_name', '{token} ' || pg_export_snapshot(), false);
select pg_sleep({seconds});"""
FIND = "select split_part(application_name, ' ', 2) from pg_stat_activity where application_name like '{token} %'"
END = f"select pg_terminate_backend(pid) from pg_stat_activity where application_name like '{NAME}-%'"  # noqa: S608


class Database:
    """The dump; nothing where the deployment has no database."""

    name = "database"
    items: tuple[Item, ...] = ()

    def __init__(self, host: Host) -> None:
        self._host, self._settings = host, host.config.postgres
        self._snapshot = ""
        self._token = f"{NAME}-{secrets.token_hex(4)}"

    @property
    def _is_there(self) -> bool:
        return bool(self._settings.database)

    def contents(self) -> tuple[str, ...]:
        return ()

    def check(self) -> bool:
        """Raises Failure where the server does not answer."""
        if not self._is_there:
            return False
        result = ask(self._host, f"select tablename from {USER_TABLES} limit 1")  # noqa: S608
        if not result.succeeded:
            raise Failure(f"PostgreSQL does not answer: {last(result)}; see deployer logs postgres")
        return bool(result.text.strip())

    def measure(self) -> int:
        if not self._is_there:
            return 0
        return int(answer(ask(self._host, "select pg_database_size(current_database())")))

    def read(self, making: Making) -> None:
        """End what a backup that was killed has left: the snapshot is of the instant of the pause."""
        if self._is_there:
            ask(self._host, END)

    def freeze(self, making: Making) -> None:
        """Export the snapshot. Raises Failure where that takes too long."""
        if not self._is_there:
            return
        making.stack.callback(self._end)
        words = ("--command", HOLD.format(token=self._token, seconds=HELD_SECONDS))
        started = self._host.docker("exec", "--detach", server(self._host), *psql(self._host), *words)
        if not started.succeeded or not await_true(self._has_snapshot, SNAPSHOT_SECONDS, pause=0.05):
            raise Failure(f"PostgreSQL exported no snapshot{': ' if started.text else ''}{last(started)}")

    def finish(self, making: Making) -> None:
        if not self._is_there:
            return
        making.rows = self._rows()
        reached("rows counted")
        self._dump(making.work / f"{making.id}_database.dump")

    def unpack(self, backup: Path) -> bool:
        return self._is_there and restored_database.unpack(self._host, backup)

    def swap(self) -> None:
        restored_database.swap(self._host)

    def swap_back(self) -> None:
        restored_database.swap_back(self._host)

    def _has_snapshot(self) -> bool:
        self._snapshot = ask(self._host, FIND.format(token=self._token)).text.strip()
        return bool(self._snapshot)

    def _end(self) -> None:
        with signals.ignored(), suppress(Failure):  # the server may be gone
            ask(self._host, END)

    def _rows(self) -> Mapping[str, int]:
        begin = "begin isolation level repeatable read, read only;"
        result = ask(self._host, f"{begin} set transaction snapshot '{self._snapshot}'; {COUNT};", limit=LONG_SECONDS)
        try:
            rows: Mapping[str, int] = json.loads(answer(result))
        except ValueError as error:
            raise Failure(f"PostgreSQL could not count its rows: {last(result)}") from error
        return rows

    def _dump(self, to: Path) -> None:
        found, names = server(self._host), ("-U", self._settings.user, self._settings.database)
        with to.open("wb") as file:
            dump = ("pg_dump", "-Fc", f"--snapshot={self._snapshot}", *names)
            result = self._host.docker("exec", found, *dump, limit=LONG_SECONDS, into=file)
        if not result.succeeded:
            lines = "\n".join(f"  | {line}" for line in result.last_lines.splitlines()[-LINES:])
            raise Failure(f"the dump of the database ended early:\n{lines}")
        with to.open("rb") as file:
            result = self._host.docker(
                "exec", "--interactive", found, "pg_restore", "--list", limit=SECONDS, stdin=file
            )
        if not result.succeeded:
            raise Failure(f"the dump of the database cannot be read: {last(result)}")
