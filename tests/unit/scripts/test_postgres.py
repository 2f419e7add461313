"""postgres.sh with real bash and a docker command that knows one container: what is said, and where the password is."""

import os
from pathlib import Path

import pytest

from deployer.site.compose import DATABASE
from deployer.site.scripts.postgres import postgres_functions
from deployer.text.shell import lines
from tests.support.fakes import inventory, run_here

DOCKER = r"""#!/bin/bash
# One container; `role` is the password of its role, what SAYS holds is how it refuses; `asked` keeps the arguments.
here=${0%/*}
echo "$*" >>"$here/asked"
case "$*" in
  "image inspect --format"*) echo PATH=/bin; echo "PG_MAJOR=$MAJOR" ;;
  "image inspect"*) [ -n "$MAJOR" ] ;;
  ps*) echo web-postgres-1 ;;
  compose*) [ -z "$REFUSES" ] || { echo "no such image" >&2; exit 1; } ;;
  inspect*) echo "${STATE:-running 0}" ;;
  logs*) echo "PANIC: no room" ;;
  *pg_isready*) [ -z "$STATE" ] ;;
  *"select 1"*)
    read -r given
    if [ -n "$SAYS" ]; then echo "psql: error: FATAL:  $SAYS" >&2; exit 2; fi
    if [ "$given" = "$(cat "$here/role")" ]; then echo 1; exit; fi
    echo 'psql: error: FATAL:  password authentication failed for user "app_user"' >&2
    exit 2 ;;
  *ON_ERROR_STOP*)
    if [ -n "$NO_ROLE" ]; then echo 'FATAL:  role "app_user" does not exist' >&2; exit 2; fi
    sed -nE "s/^ALTER ROLE \"app_user\" PASSWORD '(.*)';$/\1/p" >"$here/role" ;;
esac
"""
SECRET = "a-password-of-its-own"
HOST = inventory(postgres={"enabled": True})


def run(directory: Path, function: str, role: str = SECRET, **environ: str) -> tuple[int, str]:
    """Exit code and what was said; the password stands in no argument and nowhere in what was said."""
    (directory / "docker").write_text(DOCKER)
    (directory / "docker").chmod(0o755)
    (directory / "role").write_text(f"{role}\n")
    (directory / "asked").touch()
    (directory / ".env").write_text(f"DB_PASSWORD='{SECRET}'\n")
    parts = f"ENV_FILE={directory}/.env\nDATA={directory}/data\nLIMIT=1"
    path = f"{directory}:{os.environ['PATH']}"
    known = {"MAJOR": "15", "STATE": "", "SAYS": "", "NO_ROLE": "", "REFUSES": "", **environ}
    ran = run_here(lines(postgres_functions(HOST), parts, function), PATH=path, **known)
    said = ran.stdout + ran.stderr
    assert SECRET not in said
    assert SECRET not in (directory / "asked").read_text()
    return ran.returncode, said


def role(directory: Path) -> str:
    return (directory / "role").read_text().strip()


@pytest.mark.parametrize("function", ["agree", "start_database"])
def test_password_is_taken(tmp_path: Path, function: str) -> None:
    """Nothing is said, and nothing done to the role."""
    assert run(tmp_path, function) == (0, "")
    assert "ALTER" not in (tmp_path / "asked").read_text()
    assert ("compose --project" in (tmp_path / "asked").read_text()) is (function == "start_database")


@pytest.mark.parametrize("function", ["agree", "start_database"])
def test_role_is_given_the_password(tmp_path: Path, function: str) -> None:
    """Through the socket; said once it is so."""
    assert run(tmp_path, function, role="another") == (
        0,
        "the role app_user had another password than .env; it has the one of .env now\n",
    )
    assert role(tmp_path) == SECRET


def test_only_looked_at(tmp_path: Path) -> None:
    """The question changes nothing."""
    assert run(tmp_path, "login_state") == (0, "accepted\n")
    assert run(tmp_path, "login_state", role="another") == (0, "")
    assert role(tmp_path) == "another"


@pytest.mark.parametrize("how", [{"SAYS": 'database "biometric_did" does not exist'}, {"role": "x", "NO_ROLE": "yes"}])
def test_data_of_other_settings(tmp_path: Path, how: dict[str, str]) -> None:
    """The image makes role and database once: what to do about it."""
    code, said = run(tmp_path, "agree", **how)
    assert code == 1
    assert "does not exist" in said
    assert "restore postgres.user and\npostgres.database in the inventory" in said


def test_another_refusal(tmp_path: Path) -> None:
    """What the server said, and what it wrote last."""
    code, said = run(tmp_path, "agree", SAYS="sorry, too many clients already")
    assert code == 1
    assert "too many clients" in said
    assert "web-postgres-1 refuses the application. The last lines of its log:\n  | PANIC: no room" in said


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("restarting 1", "does not keep running"),
        ("running 0", "is not ready after 1 s"),
        ("running 3", "is not ready after 1 s"),
    ],
)
def test_not_healthy(tmp_path: Path, state: str, what: str) -> None:
    """The container's own last lines say why; one that ends is not waited for."""
    code, said = run(tmp_path, "start_database", STATE=state)
    assert (code, said) == (1, f"web-postgres-1 {what}. The last lines of its log:\n  | PANIC: no room\n")


def test_compose_refuses(tmp_path: Path) -> None:
    """What it said is shown."""
    assert run(tmp_path, "start_database", REFUSES="yes") == (1, "no such image\n")


@pytest.mark.parametrize(("major", "code"), [("16", 1), ("15", 0)])
def test_data_of_another_major_version(tmp_path: Path, major: str, code: int) -> None:
    """Looked at again before anything is started: the plan may have been made before the image was there."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n")
    assert run(tmp_path, "start_database", MAJOR=major)[0] == code
    assert ("compose --project" in (tmp_path / "asked").read_text()) is (code == 0)


def test_image(tmp_path: Path) -> None:
    """Told with its major version where it is there."""
    assert run(tmp_path, "image_state") == (0, "present 15\n")
    assert run(tmp_path, "image_state", MAJOR="") == (0, "")


def test_name_of_the_service() -> None:
    """The script asks for the name that compose gives."""
    assert f"com.docker.compose.service={DATABASE} " in postgres_functions(HOST)
