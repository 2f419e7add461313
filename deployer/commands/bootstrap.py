"""`bootstrap`: a server as vendors hand it out becomes one that `provision` can log in to."""

from dataclasses import replace

from deployer.access import root_login, sudo
from deployer.access.account import Account
from deployer.access.operator_keys import public_keys
from deployer.engine.engine import Engine, RunContext
from deployer.engine.lock import LockOwner
from deployer.engine.step import Step
from deployer.errors import ConnectionFailed, DeployerError, UsageError
from deployer.inventory.model import Inventory
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.hosts import connect, ssh_settings
from deployer.run.prompts import ask, can_ask
from deployer.run.resolver import resolver
from deployer.secret import Secret
from deployer.transport.protocol import Transport


def bootstrap(choices: Choices) -> int:
    return on_hosts(choices, _bootstrap, _Logins().administrator)


def _bootstrap(run: HostRun) -> int:
    if run.host.is_local:
        raise UsageError(
            "this machine itself is meant: who runs this needs sudo, nothing else", remedy="deployer provision"
        )
    steps: tuple[Step, ...] = (sudo, Account(public_keys(run.host)), root_login)
    engine = Engine(run.host, run.transport, steps, RunContext(resolver(run.host), run.report, run.verdicts))
    try:
        code = converge(run, engine, LockOwner.here("bootstrap"))
    except DeployerError:
        if not run.choices.flag("dry-run"):
            _open_again(run)
        raise
    if run.verdicts.count("changed"):
        run.report.data(
            "next", {"command": "provision"}, f"Next: deployer provision --host {run.host.host_name} --dry-run"
        )
    return code


def _open_again(run: HostRun) -> None:
    """The proof that root's login is not needed any more is outstanding: open it at once, not after the timer."""
    unit = f"{root_login.undo_unit(run.host)}.timer"
    try:
        run.transport.run(f"if systemctl -q is-active {unit}; then\n{root_login.put_back(run.host)}\nfi")
    except ConnectionFailed:
        return  # the timer on the host does the same


class _Logins:
    """Whose passwords are asked for: once, and before anything is connected."""

    def __init__(self) -> None:
        self._password: Secret | None = None

    def administrator(self, host: Inventory, choices: Choices) -> Transport:
        if host.is_local:
            return connect(host, choices)
        from deployer.access.administrator import Administrator

        user = ssh_settings(host, choices)
        first = replace(user, user=choices.text("as") or "root", login_password=self._login_password(choices))
        return Administrator(first, user, lambda: _new_password(choices, first.user))

    def _login_password(self, choices: Choices) -> Secret | None:
        if self._password is None and choices.flag("ask-password"):
            if not can_ask(choices):
                raise UsageError("--ask-password wants a terminal", remedy="set DEPLOYER_LOGIN_PASSWORD instead")
            self._password = Secret(ask(f"password of {choices.text('as') or 'root'}", hidden=True))
        given = choices.environ.get("DEPLOYER_LOGIN_PASSWORD")
        return self._password or (Secret(given) if given else None)


def _new_password(choices: Choices, user: str) -> Secret:
    """In place of one that has expired. It is the person's to keep: a made one would be lost with this process."""
    given = choices.environ.get("DEPLOYER_NEW_PASSWORD")
    if given:
        return Secret(given)
    if not can_ask(choices):
        raise UsageError(
            f"the password of {user} has expired and must be changed",
            remedy="set DEPLOYER_NEW_PASSWORD to the new one, or run in a terminal to be asked for it",
        )
    new, again = (ask(f"new password of {user}{word}", hidden=True) for word in ("", ", once more"))
    if new != again:
        raise UsageError("the two new passwords differ", remedy="run the same command again")
    return Secret(new)


COMMAND = Command(
    bootstrap,
    (
        *CHANGING,
        Option("as", "who can log in so far; default: root"),
        Option("ask-password", "ask for that login's password; without a terminal: $DEPLOYER_LOGIN_PASSWORD", bool),
    ),
)
