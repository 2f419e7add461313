"""Restoring the database: into a second one alongside the live one, and swapped with it by renaming.

The live one is kept as NAME_former until the next backup. What is restored is NAME_restoring until the swap.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from deployer.remote.backup import catalogue
from deployer.remote.backup.psql import COUNT, answer, ask, last, server
from deployer.remote.backup.reading import file_of
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.stopping_points import reached
from deployer.remote.waiting import await_true

ADMINISTRATION = "postgres"
"""The database from which others are made, renamed and removed."""
ANSWER_SECONDS = 60.0
RESTORE_SECONDS = 12 * 3600.0


def unpack(host: Host, backup: Path) -> bool:
    """Restore the dump of a backup, and compare its rows; whether there is one. Raises Failure."""
    dump = file_of(backup, "database")
    if dump is None:
        return False
    _administer(host, f'drop database if exists "{_restoring(host)}"')
    _administer(host, f'create database "{_restoring(host)}"')
    fill(host, dump, server(host), _restoring(host))
    wanted, found = catalogue.look_at(backup.parent, backup.name).manifest.get("rows"), rows(host, _restoring(host))
    if wanted != found:
        raise Failure(f"the restored database does not have the rows that were backed up: {json.dumps(found)}")
    return True


def fill(host: Host, dump: Path, container: str, database: str) -> None:
    """Restore a dump into an empty database of the server in this container. Raises Failure."""
    words = ("pg_restore", "--exit-on-error", "--no-owner", "-U", host.config.postgres.user, "-d", database)
    with dump.open("rb") as file:
        result = host.docker("exec", "--interactive", container, *words, limit=RESTORE_SECONDS, stdin=file)
    if not result.succeeded:
        raise Failure(f"the database could not be restored into {database}:\n{result.last_lines}")


def rows(host: Host, database: str, container: str = "") -> Mapping[str, int]:
    """The rows of each table, in another server than the live one by its container. Raises Failure."""
    result = ask(host, COUNT, database, RESTORE_SECONDS, container)
    found: Mapping[str, int] = json.loads(answer(result))
    return found


def swap(host: Host) -> None:
    """Raises Failure."""
    live = host.config.postgres.database
    if _exists(host, live):
        _administer(host, f'drop database if exists "{_former(host)}"')
        _rename(host, live, _former(host))
    reached("the database is away, nothing in its place")
    _rename(host, _restoring(host), live)


def swap_back(host: Host) -> None:
    """Undo as much as was done. Raises Failure, also where the server does not answer: nothing is known of it then."""
    if not await_true(lambda: _answers(host), ANSWER_SECONDS):
        raise Failure("PostgreSQL does not answer")
    live = host.config.postgres.database
    if _exists(host, live):
        if _exists(host, _restoring(host)):
            return
        _rename(host, live, _restoring(host))
    if _exists(host, _former(host)):
        _rename(host, _former(host), live)


def remove_previous(host: Host) -> None:
    """Remove the database that a restore has replaced. Raises Failure where that fails."""
    if host.config.postgres.database:
        _administer(host, f'drop database if exists "{_former(host)}"')


def _restoring(host: Host) -> str:
    return f"{host.config.postgres.database}_restoring"


def _former(host: Host) -> str:
    return f"{host.config.postgres.database}_former"


def _rename(host: Host, name: str, to: str) -> None:
    """Sessions of the application would keep it from being renamed."""
    end = f"select pg_terminate_backend(pid) from pg_stat_activity where datname in ('{name}', '{to}')"  # noqa: S608
    _administer(host, f'{end}; alter database "{name}" rename to "{to}"')


def _exists(host: Host, name: str) -> bool:
    return answer(_administer(host, f"select count(*) from pg_database where datname = '{name}'")) == "1"  # noqa: S608


def _administer(host: Host, sql: str) -> Result:
    result = ask(host, f"{sql};", ADMINISTRATION)
    if not result.succeeded:
        raise Failure(f"PostgreSQL refuses: {last(result)}; see deployer logs postgres")
    return result


def _answers(host: Host) -> bool:
    try:
        return ask(host, "select 1", ADMINISTRATION).succeeded
    except Failure:
        return False
