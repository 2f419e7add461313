"""Asking PostgreSQL, in its own container; and the rows that its tables have."""

from deployer.remote.docker import DATABASE, containers
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result

SECONDS = 60.0
USER_TABLES = "pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
COUNT = f"""select coalesce(json_object_agg(format('%I.%I', schemaname, tablename), (xpath('/row/c/text()',
  query_to_xml(format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint),
  '{{}}') from {USER_TABLES}"""  # noqa: S608  # nothing in it is somebody else's
"""The rows of each table, as JSON."""


def server(host: Host) -> str:
    """The server's container. Raises Failure where none runs."""
    found = containers(host.docker, host.config.name, DATABASE, "running")
    if not found:
        raise Failure("PostgreSQL does not run; see deployer logs postgres")
    return found[0]


def ask(host: Host, sql: str, database: str = "", limit: float = SECONDS, container: str = "") -> Result:
    """Run SQL in a database, by default the application's; in another server than the live one by its container."""
    words = ("exec", "--interactive", container or server(host), *psql(host, database))
    return host.docker(*words, limit=limit, stdin=f"{sql}\n".encode())


def psql(host: Host, database: str = "") -> tuple[str, ...]:
    settings = host.config.postgres
    names = ("-U", settings.user, "-d", database or settings.database)
    return ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-tA", *names)


def answer(result: Result) -> str:
    """The last line. Raises Failure where there is none."""
    if not result.succeeded or not result.text.strip():
        raise Failure(f"PostgreSQL does not answer: {last(result)}; see deployer logs postgres")
    return result.text.strip().splitlines()[-1]


def last(result: Result) -> str:
    return (result.last_lines.splitlines() or [""])[-1]
