"""`bootstrap`: prepare a freshly installed server so that `provision` can log in to it."""

from deployer.access import root_login, sudo
from deployer.access.account import Account
from deployer.access.logins import Logins
from deployer.access.operator_keys import public_keys
from deployer.engine.engine import Engine, RunContext
from deployer.engine.lock import LockOwner
from deployer.engine.step import Step
from deployer.errors import ConnectionFailed, DeployerError, LockHeld, UsageError
from deployer.run.command import CHANGING, Choices, Command, Option
from deployer.run.convergence import converge
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.resolver import resolver


def bootstrap(choices: Choices) -> int:
    return on_hosts(choices, _bootstrap, Logins().administrator)


def _bootstrap(run: HostRun) -> int:
    if run.host.is_local:
        what = 'ssh.address is "local": this machine needs no bootstrap, only a user with sudo'
        raise UsageError(what, remedy=f"deployer provision --host {run.host.host_name}")
    steps: tuple[Step, ...] = (sudo, Account(public_keys(run.host)), root_login)
    engine = Engine(run.host, run.transport, steps, RunContext(resolver(run.host), run.report, run.verdicts))
    try:
        code = converge(run, engine, LockOwner.here("bootstrap"))
    except (UsageError, LockHeld):
        raise  # nothing was begun
    except DeployerError:
        if not run.choices.flag("dry-run"):
            _reopen_root_login(run)
        raise
    if run.verdicts.count("changed"):
        command = f"deployer provision --host {run.host.host_name} --dry-run"
        run.report.data("next", {"command": "provision"}, f"Next: {command}")
    return code


def _reopen_root_login(run: HostRun) -> None:
    """Without the proof that root's login is not needed any more, reopen it at once, not only when the timer ends."""
    unit = f"{root_login.undo_unit(run.host)}.timer"
    try:
        run.transport.run(f"if systemctl -q is-active {unit}; then\n{root_login.put_back(run.host)}\nfi")
    except ConnectionFailed:
        return  # the timer on the host does the same


COMMAND = Command(
    bootstrap,
    (
        *CHANGING,
        Option("as", "who can log in so far; default: root"),
        Option("ask-password", "ask for that login's password; without a terminal set DEPLOYER_LOGIN_PASSWORD", bool),
    ),
    examples=("--host prod", "--host prod --as ubuntu", "--host prod --ask-password"),
)
