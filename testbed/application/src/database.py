"""The third store of records: a table in the database of DATABASE_URL. Exists for F26.

Whoever calls holds the lock of records.py, so one connection is enough. It is made when it is first needed, and anew
when it was lost: neither a database that starts later nor one that is restarted needs a restart of this program.
No part of the address is ever logged or returned: there is a password in it.
"""

import contextlib
from typing import Any
from urllib.parse import unquote, urlsplit

from src.records import Away, Record

SECONDS = 5
TABLE = """\
CREATE TABLE IF NOT EXISTS records (
    id text PRIMARY KEY, key text NOT NULL, value text NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY
)"""
INSERT = "INSERT INTO records (id, key, value) VALUES (:id, :key, :value) ON CONFLICT (id) DO NOTHING"


def database_of(url: str) -> "Database | None":
    return Database(url) if url else None


class Database:
    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Any = None

    def has(self, id_: str) -> bool:
        return bool(self.ask("SELECT 1 FROM records WHERE id = :id", id=id_))

    def insert(self, records: list[Record]) -> None:
        """All of them or none."""
        if len(records) == 1:
            self.add(*records[0])
            return
        self.ask("START TRANSACTION")
        for id_, key, value in records:
            self.add(id_, key, value, again=False)
        self.ask("COMMIT", again=False)

    def add(self, id_: str, key: str, value: str, *, again: bool = True) -> None:
        self.ask(INSERT, again=again, id=id_, key=key, value=value)

    def all(self) -> list[Record]:
        rows = self.ask("SELECT id, key, value FROM records ORDER BY number")
        return [(str(id_), str(key), str(value)) for id_, key, value in rows]

    def ask(self, sql: str, *, again: bool = True, **values: str) -> Any:
        """`again`: on a new connection where the old one turns out to be lost. Not in the middle of a transaction."""
        import pg8000.native

        lost = (pg8000.native.InterfaceError, pg8000.native.DatabaseError, OSError)
        known = self.connection is not None
        try:
            return self.connected().run(sql, **values)
        except (*lost, ValueError) as error:
            self.close()
            if again and known:
                return self.ask(sql, again=False, **values)
            raise Away(type(error).__name__) from None

    def connected(self) -> Any:
        if self.connection is None:
            import pg8000.native

            at = urlsplit(self.url)
            self.connection = pg8000.native.Connection(
                unquote(at.username or ""),
                host=at.hostname,
                port=at.port or 5432,
                password=unquote(at.password or ""),
                database=at.path.lstrip("/"),
                timeout=SECONDS,
            )
            self.connection.run(TABLE)
        return self.connection

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(Exception):
                self.connection.close()
        self.connection = None
