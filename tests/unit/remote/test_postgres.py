"""PostgreSQL with a Docker that knows one container: what is printed, what becomes of the role, where passwords are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.postgres import server
from deployer.remote.postgres.verbs import postgres
from deployer.remote.process import OnOutput, Result

SECRET = "a-password-of-its-own"
NAME = "biometric-did-postgres-1"
IMAGE = "postgres:15"


def refused(why: str) -> Result:
    return Result(2, b"", f'psql: error: connection to server at "postgres" failed: FATAL:  {why}\n'.encode())


@dataclass
class Server:
    """Docker with one container of PostgreSQL, whose role has `role` as its password; it keeps the words of its calls.

    `says` is how the server refuses each login, `major` the version of the image, which is absent where it is None.
    """

    role: str = SECRET
    exists: bool = True
    ready: bool = True
    state: str = "running"
    restarts: Iterator[int] = field(default_factory=lambda: iter([0] * 1000))
    says: str = ""
    has_role: bool = True
    starts: bool = True
    major: str | None = "15"
    up: bool = True
    calls: list[str] = field(default_factory=list)

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        call = " ".join(words)
        self.calls.append(call)
        if not self.up:
            return Result(1, b"", b"Cannot connect to the Docker daemon")
        if words[0] == "exec":
            return self.execute(call, stdin.decode() if isinstance(stdin, bytes) else "")
        return self.answer(call)

    def answer(self, call: str) -> Result:
        if call.startswith("image inspect"):
            if self.major is None:
                return Result(1, b"[]", b"Error response from daemon: No such image: postgres:15")
            return Result(0, json.dumps([{"Config": {"Env": ["PATH=/bin", f"PG_MAJOR={self.major}"]}}]).encode())
        if call.startswith("inspect"):
            state = {"Status": self.state, "Pid": 7}
            found = {"State": state, "RestartCount": next(self.restarts), "NetworkSettings": {"Networks": {}}}
            return Result(0, json.dumps([found]).encode())
        if call.startswith("compose"):
            return Result(0, b"") if self.starts else Result(1, b"", b"no space left on device")
        answers = {"ps": f"{NAME}\n" if self.exists else "", "logs": "PANIC: no space\n"}
        return Result(0, answers.get(call.partition(" ")[0], "").encode())

    def execute(self, call: str, given: str) -> Result:
        if "pg_isready" in call:
            return Result(0 if self.ready else 1, b"")
        if "select 1" in call:
            if self.says:
                return refused(self.says)
            fits = given == f"{self.role}\n"
            return Result(0, b"1\n") if fits else refused('password authentication failed for user "app_user"')
        if not self.has_role:
            return refused('role "app_user" does not exist')
        self.role = given.rpartition(" PASSWORD '")[2].removesuffix("';\n").replace("''", "'")
        return Result(0, b"")

    def began(self, *words: str) -> bool:
        return any(call.startswith(" ".join(words)) for call in self.calls)


@pytest.fixture
def docker() -> Server:
    return Server()


@pytest.fixture(autouse=True)
def deployed(host: Host, docker: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With a password in .env; afterwards no argument of any program has had it."""
    monkeypatch.setattr(server, "READY_SECONDS", 1)
    write_password(host.config.environment, SECRET)
    host.config.database.mkdir()
    yield
    assert not any(SECRET in call for call in docker.calls)


def write_password(file: Path, password: str) -> None:
    file.write_text(f"A=1\nDB_PASSWORD='an-earlier-line'\nDB_PASSWORD='{password}'\n")


def failure(host: Host, *words: str) -> str:
    with pytest.raises(Failure) as failed:
        postgres(host, words)
    assert failed.value.exit_code == 1
    return str(failed.value)


@pytest.mark.parametrize("words", [["agree"], ["start", IMAGE]])
def test_password_is_accepted(host: Host, docker: Server, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed, and nothing done to the role; only `start` makes a container."""
    postgres(host, words)
    assert capsys.readouterr().out == ""
    assert not docker.began("exec --interactive biometric-did-postgres-1 psql")
    assert docker.began("compose --project-directory") is (words[0] == "start")


@pytest.mark.parametrize("words", [["agree"], ["start", IMAGE]])
@pytest.mark.parametrize("password", [SECRET, "has'quotes''in-it"])
def test_role_gets_the_password(
    host: Host, docker: Server, words: list[str], password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed once it is so. A quote ends neither the statement nor the password."""
    host.config.environment.write_text(f'DB_PASSWORD="{password}"\n')
    docker.role = "another"
    postgres(host, words)
    printed = "the role app_user had another password than .env; it has the one of .env now\n"
    assert capsys.readouterr().out == printed
    assert docker.role == password


def test_way_back(host: Host, docker: Server, tmp_path: Path) -> None:
    """Another file than .env can have the password."""
    write_password(tmp_path / "former.payload", "a-former-one")
    postgres(host, ["agree", str(tmp_path / "former.payload")])
    assert docker.role == "a-former-one"


@pytest.mark.parametrize(("role", "login"), [(SECRET, "accepted"), ("another", "")])
def test_state_changes_nothing(
    host: Host, docker: Server, role: str, login: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a question."""
    (host.config.database / "PG_VERSION").write_text("15\n")
    docker.role = role
    postgres(host, ["state", IMAGE])
    assert capsys.readouterr().out == f"data=15\nimage=present 15\nlogin={login}\n"
    assert docker.role == role


def test_state_of_nothing(host: Host, docker: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Without data, image and container every value is empty; nobody asks for the password then."""
    docker.exists, docker.major = False, None
    host.config.environment.unlink()
    host.config.database.rmdir()
    postgres(host, ["state", IMAGE])
    assert capsys.readouterr().out == "data=\nimage=\nlogin=\n"


def test_image_of_unknown_version(host: Host, docker: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is not official is present all the same."""
    docker.major = ""
    postgres(host, ["state", IMAGE])
    assert "image=present \n" in capsys.readouterr().out


def test_docker_does_not_answer(host: Host, docker: Server) -> None:
    """Then nothing is known; nothing counts as absent."""
    docker.up = False
    assert failure(host, "state", IMAGE) == "Cannot connect to the Docker daemon"


@pytest.mark.parametrize("other", [{"says": 'database "x" does not exist'}, {"role": "x", "has_role": False}])
def test_data_of_other_settings(host: Host, docker: Server, other: dict[str, object]) -> None:
    """The image creates role and database once: what to do about it."""
    for name, value in other.items():
        setattr(docker, name, value)
    message = failure(host, "agree")
    assert "does not exist" in message
    assert "restore postgres.user and\npostgres.database in the inventory" in message
    assert f"docker exec -it {NAME} psql" in message


def test_another_refusal(host: Host, docker: Server) -> None:
    """What the server said, and the end of its log."""
    docker.says = "sorry, too many clients already"
    message = failure(host, "agree")
    assert "too many clients" in message
    assert f"{NAME} refuses the application. The last lines of its log:\n  | PANIC: no space" in message


@pytest.mark.parametrize("words", [["agree"], ["start", IMAGE]])
def test_no_password(host: Host, docker: Server, words: list[str]) -> None:
    """Never an empty one for the role."""
    host.config.environment.write_text("A=1\n")
    assert failure(host, *words) == f"{host.config.environment} has no DB_PASSWORD: run `deployer provision`"
    assert docker.role == SECRET


def test_no_container(host: Host, docker: Server) -> None:
    """The next command is named."""
    docker.exists = False
    assert failure(host, "agree") == "PostgreSQL has no container: run `deployer provision`"


@pytest.mark.parametrize(
    ("state", "restarts", "what"),
    [
        ("restarting", [0] * 9, "does not keep running"),
        ("running", [0, 1], "does not keep running"),
        ("running", [3] * 9, "is not ready after 1 s"),
    ],
)
def test_not_ready(host: Host, docker: Server, state: str, restarts: list[int], what: str) -> None:
    """The container's own last lines say why; one that ends is not awaited."""
    docker.ready, docker.state, docker.restarts = False, state, iter(restarts)
    assert failure(host, "start", IMAGE) == f"{NAME} {what}. The last lines of its log:\n  | PANIC: no space"


def test_compose_refuses(host: Host, docker: Server) -> None:
    """What it printed is shown."""
    docker.starts = False
    assert failure(host, "start", IMAGE) == "PostgreSQL does not start:\nno space left on device"


@pytest.mark.parametrize(("major", "starts"), [("16", False), ("15", True), ("", True)])
def test_data_of_another_major_version(host: Host, docker: Server, major: str, starts: bool) -> None:
    """Compared before anything is started: the plan may have been made before the image was there."""
    (host.config.database / "PG_VERSION").write_text("15\n")
    docker.major = major
    if starts:
        postgres(host, ["start", IMAGE])
    else:
        assert "holds data of PostgreSQL 15, and postgres:15 is PostgreSQL 16" in failure(host, "start", IMAGE)
    assert docker.began("compose") is starts


@pytest.mark.parametrize("words", [["state", IMAGE], ["start", IMAGE]])
def test_version_is_a_link(host: Host, docker: Server, tmp_path: Path, words: list[str]) -> None:
    """The server's container may make it one to a file of the host: nothing of that is read or shown."""
    (tmp_path / "shadow").write_text("root:secret\n")
    (host.config.database / "PG_VERSION").symlink_to(tmp_path / "shadow")
    assert failure(host, *words).endswith("PG_VERSION is a link, or not a directory")
    assert not docker.began("compose")


def test_version_is_none(host: Host) -> None:
    """Whatever else the file holds is not shown."""
    (host.config.database / "PG_VERSION").write_text("\x1b]0;x" * 10_000)
    assert failure(host, "state", IMAGE).endswith("PG_VERSION is damaged: it holds no version of PostgreSQL")


def test_usage(host: Host) -> None:
    """What exists is listed."""
    with pytest.raises(Failure, match=r"usage: postgres state\|start\|agree") as failed:
        postgres(host, ["drop"])
    assert failed.value.exit_code == 2
