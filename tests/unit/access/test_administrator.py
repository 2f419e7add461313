"""Who bootstrap logs in as: root, then the user; and what is said where neither may."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.access import administrator
from deployer.access.administrator import Administrator
from deployer.errors import ConnectionFailed, Context
from deployer.secret import Secret
from deployer.transport.authentication import NothingAccepted
from deployer.transport.protocol import Reply
from deployer.transport.settings import SshSettings
from tests.unit.commands.fakes import FakeTransport

OK = Reply(0, b"", b"")


def settings(user: str, password: str = "") -> SshSettings:
    secret = Secret(password) if password else None
    return SshSettings("192.0.2.1", user, Path("/nowhere/known_hosts"), login_password=secret, host_name="web")


def refusal() -> ConnectionFailed:
    error = ConnectionFailed("192.0.2.1 does not let root log in")
    error.__cause__ = NothingAccepted(["agent key"])
    return error


class Refusing(FakeTransport):
    """A connection that cannot be used."""

    def __init__(self, error: ConnectionFailed) -> None:
        super().__init__()
        self._error = error

    def run(self, script: str, **_options: object) -> Reply:
        raise self._error


def logging_in(**errors: ConnectionFailed) -> tuple[list[SshSettings], Callable[[SshSettings], FakeTransport]]:
    tried: list[SshSettings] = []

    def connect(chosen: SshSettings) -> FakeTransport:
        tried.append(chosen)
        error = errors.get(chosen.user)
        return Refusing(error) if error else FakeTransport([OK, OK, OK])

    return tried, connect


def no_password() -> Secret:
    raise AssertionError("nobody is to be asked")


def test_root_first_and_second_logins_as_the_user() -> None:
    """`again` is the proof of the new login, so it is never root's."""
    tried, connect = logging_in()
    transport = Administrator(settings("root"), settings("deploy"), no_password, connect)
    transport.run("true")
    transport.again().run("true")
    assert [one.user for one in tried] == ["root", "deploy"]


def test_the_user_where_root_is_closed() -> None:
    """A second bootstrap finds nothing to change that way."""
    tried, connect = logging_in(root=refusal())
    Administrator(settings("root"), settings("deploy"), no_password, connect).run("true")
    assert [one.user for one in tried] == ["root", "deploy"]


def test_neither_may_log_in() -> None:
    """The remedy names the password, in all its ways."""
    _, connect = logging_in(root=refusal(), deploy=refusal())
    with pytest.raises(ConnectionFailed, match="neither root nor deploy") as raised:
        Administrator(settings("root"), settings("deploy"), no_password, connect).run("true")
    assert "DEPLOYER_LOGIN_PASSWORD" in raised.value.remedy


def test_what_is_not_about_keys_is_said_at_once() -> None:
    """An unknown host key, no route: trying another user would not help."""
    tried, connect = logging_in(root=ConnectionFailed("no route"))
    with pytest.raises(ConnectionFailed, match="no route"):
        Administrator(settings("root"), settings("deploy"), no_password, connect).run("true")
    assert len(tried) == 1


def test_a_vendor_that_names_its_user() -> None:
    """root may log in only to be told: the remedy is --as."""
    said = 'Please login as the user "ubuntu" rather than the user "root".'
    error = ConnectionFailed("it wants another user than root", context=Context(output=said))
    _, connect = logging_in(root=error)
    with pytest.raises(ConnectionFailed) as raised:
        Administrator(settings("root"), settings("deploy"), no_password, connect).run("true")
    assert raised.value.remedy == "run deployer bootstrap --host web --as ubuntu"


def test_an_expired_password_is_changed_and_the_new_one_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; the login that follows has the new one."""
    changed: list[tuple[str, str]] = []
    monkeypatch.setattr(
        administrator, "change_password", lambda _, old, new: changed.append((old.reveal(), new.reveal()))
    )
    expired = Refusing(ConnectionFailed("expired", context=Context(output="Your password has expired.")))
    tried: list[SshSettings] = []

    def connect(chosen: SshSettings) -> FakeTransport:
        tried.append(chosen)
        return expired if len(tried) == 1 else FakeTransport([OK, OK])

    first = settings("root", "one-time")
    Administrator(first, settings("deploy"), lambda: Secret("mine"), connect).run("true")
    assert changed == [("one-time", "mine")]
    assert tried[1].login_password == Secret("mine")
    assert expired.closed
