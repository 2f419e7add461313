"""`bootstrap`: what it does where a run ends early, and what is asked of the user before anything is connected."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.access import logins
from deployer.access.logins import Logins, new_password
from deployer.commands.bootstrap import _bootstrap
from deployer.errors import ConnectionFailed, DeployerError, UsageError
from deployer.inventory.model import Inventory
from deployer.transport.protocol import Conversation, Reply

from .fakes import FakeTransport, choices, inventory, run_on


@dataclass
class Failing(FakeTransport):
    """A transport whose session cannot be opened."""

    error: DeployerError = field(default_factory=lambda: ConnectionFailed("unreachable"))

    def open(self, script: str) -> Conversation:
        self.scripts.append(script)
        raise self.error

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        self.scripts.append(script)
        raise self.error


@pytest.fixture
def host(tmp_path: Path) -> Inventory:
    """Its operator's key is a file."""
    (tmp_path / "key").touch()
    (tmp_path / "key.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me\n"
    )
    return inventory(tmp_path, ssh={"address": "192.0.2.1", "identity_file": str(tmp_path / "key")})


def attempts(host: Inventory, error: DeployerError) -> int:
    """How often a bootstrap that fails so turns to the host."""
    transport = Failing(error=error)
    with pytest.raises(type(error)):
        _bootstrap(run_on(host, transport, choices())[0])
    return len(transport.scripts)


def test_root_login_is_reopened_after_a_failure(host: Inventory) -> None:
    """A second attempt after a lost connection: the proof that root is not needed may be outstanding."""
    assert attempts(host, ConnectionFailed("unreachable")) == 2


def test_nothing_follows_a_usage_error(host: Inventory) -> None:
    """Two new passwords that differ: connecting again would ask for a second pair, and set it."""
    assert attempts(host, UsageError("the two new passwords differ")) == 1


def test_new_passwords_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """A usage error that says that nothing was changed."""
    typed = iter(("first", "second"))
    monkeypatch.setattr(logins, "can_ask", lambda _: True)
    monkeypatch.setattr(logins, "ask", lambda question, *, hidden: next(typed))
    with pytest.raises(UsageError, match="was not changed"):
        new_password(choices(), "root")


def test_the_key_is_looked_for_before_a_password_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody types a password for a run that must fail."""
    asked: list[str] = []

    def ask(question: str, *, hidden: bool) -> str:
        asked.append(question)
        return "typed"

    monkeypatch.setattr(logins, "can_ask", lambda _: True)
    monkeypatch.setattr(logins, "ask", ask)
    key = tmp_path / "key"
    key.write_text("not a key")
    host = inventory(tmp_path, ssh={"address": "192.0.2.1", "identity_file": str(key)})
    with pytest.raises(UsageError, match="not an OpenSSH key"):
        Logins().administrator(host, choices(ask_password=True))
    assert asked == []


def test_the_local_machine_needs_no_bootstrap() -> None:
    """A usage error, before anything is asked of it."""
    transport = FakeTransport()
    with pytest.raises(UsageError, match="needs no bootstrap"):
        _bootstrap(run_on(inventory(ssh={"address": "local"}), transport, choices())[0])
    assert transport.scripts == []
