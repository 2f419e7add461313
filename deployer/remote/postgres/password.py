"""The password of the application's role: tried as the application does, and set where the role has another one.

A password travels through pipes, and is never an argument.
"""

from pathlib import Path
from typing import NoReturn

from deployer.remote import dotenv, files, output
from deployer.remote.environment.shown import PASSWORD
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.postgres.server import await_ready, container
from deployer.remote.process import Result
from deployer.remote.release.health import with_log

LOGIN = """IFS= read -r PGPASSWORD
export PGPASSWORD PGCONNECT_TIMEOUT=5
exec psql -X -w -h postgres -U "$1" -d "$2" -Atqc "select 1\""""
"""As the application logs in: to that name, over the network. The socket and 127.0.0.1 take everybody in the image."""
UNLOGGED = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';"
"""The server must not log the statement with the password, not even one that it refuses."""


def agree(host: Host, environment: Path | None = None) -> None:
    """Await the server, and give the role the password of .env (or of another such file) where it has another one.

    Raises Failure: with the end of the server's log, or with what to do where its data are of other settings.
    """
    file = environment or host.config.environment
    password, name = _password(file), container(host)
    if not password:
        raise Failure(f"{file} has no {PASSWORD}: run `deployer provision`")
    if not name:
        raise Failure("PostgreSQL has no container: run `deployer provision`")
    await_ready(host, name)
    refused = _login(host, name, password)
    if refused.succeeded:
        return
    if "password authentication failed" not in refused.all_text:
        _refuse(host, name, refused)
    _set(host, name, password)
    output.say(f"the role {host.config.postgres.user} had another password than .env; it has the one of .env now")
    if not (again := _login(host, name, password)).succeeded:
        _refuse(host, name, again)


def is_accepted(host: Host) -> bool:
    """Whether a server runs and accepts the password of .env. Raises Failure where Docker fails."""
    password, name = _password(host.config.environment), container(host)
    return bool(password and name) and _login(host, name, password).succeeded


def _password(environment: Path) -> str:
    """Empty where the file has none."""
    entry = dotenv.last(tuple(dotenv.entries(files.read(environment))), PASSWORD)
    return entry.value if entry else ""


def _login(host: Host, name: str, password: str) -> Result:
    settings = host.config.postgres
    words = ("sh", "-c", LOGIN, "login", settings.user, settings.database)
    return host.docker("exec", "--interactive", name, *words, stdin=dotenv.encoded(f"{password}\n"))


def _set(host: Host, name: str, password: str) -> None:
    """Over the socket, where no password is asked for."""
    settings = host.config.postgres
    words = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", settings.user, "-d", settings.database)
    sql = f"{UNLOGGED}\nALTER ROLE {_quoted(settings.user, chr(34))} PASSWORD {_quoted(password, chr(39))};\n"
    result = host.docker("exec", "--interactive", name, *words, stdin=dotenv.encoded(sql))
    if not result.succeeded:
        raise Failure(_other_data(host, name, result))


def _quoted(text: str, quote: str) -> str:
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"


def _refuse(host: Host, name: str, refused: Result) -> NoReturn:
    """Raises Failure."""
    if "does not exist" in refused.all_text:
        raise Failure(_other_data(host, name, refused))
    raise Failure(f"{refused.last_lines}\n{with_log(host, name, 'refuses the application')}")


def _other_data(host: Host, name: str, refused: Result) -> str:
    """The image creates role and database at its first start only, so later settings can miss them."""
    settings = host.config.postgres
    return (
        f"{refused.last_lines}\n"
        f"{host.config.database} was created for another role or database than {settings.user} and "
        f"{settings.database}: restore postgres.user and\n"
        f"postgres.database in the inventory, or create them: docker exec -it {name} psql -U FORMER_ROLE postgres"
    )
