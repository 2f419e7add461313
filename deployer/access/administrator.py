"""The connection of bootstrap: as root while root may log in, then as the user; second logins are the user's."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Self

from deployer.access.expired import change_password
from deployer.errors import ConnectionFailed
from deployer.secret import Secret
from deployer.transport.protocol import Conversation, Reply, Traffic, Transport
from deployer.transport.settings import SshSettings
from deployer.transport.ssh import SshTransport

EXPIRED = re.compile(r"password has expired|[Pp]assword change required|change your password")
Connect = Callable[[SshSettings], Transport]
NewPassword = Callable[[], Secret]


class Administrator:
    """Implements `protocol.Transport`; it connects, and finds out who may log in, when it is first used."""

    def __init__(
        self, first: SshSettings, user: SshSettings, new_password: NewPassword, connect: Connect = SshTransport
    ) -> None:
        self._first, self._user = first, user
        self._new_password, self._connect = new_password, connect
        self._chosen: Transport | None = None

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        return self._inner().run(script, stdin=stdin, limit=limit, on_output=on_output)

    def open(self, script: str) -> Conversation:
        return self._inner().open(script)

    def again(self) -> Self:
        """A new connection as the user, whoever this one is."""
        return type(self)(self._user, self._user, self._new_password, self._connect)

    def traffic(self) -> Traffic:
        return self._chosen.traffic() if self._chosen else Traffic(0, 0, 0)

    def close(self) -> None:
        if self._chosen:
            self._chosen.close()

    def _inner(self) -> Transport:
        if self._chosen is None:
            self._chosen = self._choose()
        return self._chosen

    def _choose(self) -> Transport:
        try:
            return self._proved(self._first)
        except ConnectionFailed as error:
            if EXPIRED.search(error.context.output) and self._first.login_password:
                return self._with_new_password(self._first.login_password)
            if self._first == self._user or not _was_refused(error):
                raise _explained(error, self._first.name) from None
            return self._as_user(error)

    def _as_user(self, refused: ConnectionFailed) -> Transport:
        """Root is refused: perhaps because an earlier run closed its login."""
        try:
            return self._proved(self._user)
        except ConnectionFailed as error:
            if not _was_refused(error):
                raise
            raise _nobody(self._first, self._user, refused) from None

    def _with_new_password(self, old: Secret) -> Transport:
        new = self._new_password()
        change_password(self._first, old, new)
        return self._proved(replace(self._first, login_password=new))

    def _proved(self, settings: SshSettings) -> Transport:
        transport = self._connect(settings)
        try:
            transport.run(":")
        except BaseException:
            transport.close()
            raise
        return transport


def _was_refused(error: ConnectionFailed) -> bool:
    """Neither key nor password was accepted: not the network, not the host key."""
    return type(error.__cause__).__name__ == "NothingAccepted"


def _explained(error: ConnectionFailed, host: str) -> ConnectionFailed:
    """Some vendors let root log in only to print who may log in instead."""
    named = re.search(r'login as the user "([a-z_][a-z0-9_-]*)"', error.context.output)
    if not named:
        return error
    remedy = f"run deployer bootstrap --host {host} --as {named[1]}"
    return ConnectionFailed(f"{error.what}: {named[1]}", remedy=remedy, context=error.context)


def _nobody(first: SshSettings, user: SshSettings, refused: ConnectionFailed) -> ConnectionFailed:
    return ConnectionFailed(
        f"neither {first.user} nor {user.user} can log in\n{refused.what}",
        remedy="use the password that the vendor sent (--ask-password, or DEPLOYER_LOGIN_PASSWORD), name the vendor's "
        "user with --as, or add your public key in the vendor's console",
        context=refused.context,
    )
