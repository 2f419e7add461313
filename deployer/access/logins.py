"""How bootstrap logs in: as who, with which password, and with which new one where the vendor's has expired."""

from dataclasses import replace

from deployer.access.administrator import Administrator
from deployer.access.operator_keys import public_keys
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.run.command import Choices
from deployer.run.hosts import connect, ssh_settings
from deployer.run.prompts import ask, can_ask
from deployer.secret import Secret
from deployer.transport.protocol import Transport


class Logins:
    """The passwords of one run: each is asked for once, before anything is connected."""

    def __init__(self) -> None:
        self._password: Secret | None = None

    def administrator(self, host: Inventory, choices: Choices) -> Transport:
        """The connection that bootstrap works over. Raises UsageError where a password or the key is missing."""
        if host.is_local:
            return connect(host, choices)
        user = ssh_settings(host, choices)
        password = self._login_password(host, choices)
        first = replace(user, user=choices.text("as") or "root", login_password=password)
        return Administrator(first, user, lambda: new_password(choices, first.user))

    def _login_password(self, host: Inventory, choices: Choices) -> Secret | None:
        if self._password is None and choices.flag("ask-password"):
            if not can_ask(choices):
                raise UsageError("--ask-password needs a terminal", remedy="set DEPLOYER_LOGIN_PASSWORD instead")
            public_keys(host)  # nobody types a password for a run that has no key to authorize
            self._password = Secret(ask(f"password of {choices.text('as') or 'root'}", hidden=True))
        given = choices.environ.get("DEPLOYER_LOGIN_PASSWORD")
        return self._password or (Secret(given) if given else None)


def new_password(choices: Choices, user: str) -> Secret:
    """In place of an expired one. The user chooses it: a generated one would be lost with this process."""
    given = choices.environ.get("DEPLOYER_NEW_PASSWORD")
    if given:
        return Secret(given)
    if not can_ask(choices):
        raise UsageError(
            f"the password of {user} has expired and must be changed",
            remedy="set DEPLOYER_NEW_PASSWORD to the new one, or run this command in a terminal to be asked for it",
        )
    new, again = (ask(f"new password of {user}{word}", hidden=True) for word in ("", ", once more"))
    if new != again:
        raise UsageError("the two new passwords differ; the password was not changed", remedy="run this command again")
    return Secret(new)
