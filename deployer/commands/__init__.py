"""The table of commands. One command, one file in this folder; nothing else lives here.

`deployer --help` and completion read the table alone. A command's module is imported when the command runs or when its
own help is shown: no command pays for the imports of another.
"""

from dataclasses import dataclass
from importlib import import_module

from deployer.run.command import Command


@dataclass(frozen=True)
class Entry:
    """A command as it is listed; `name` is also its file's name, its summary is written nowhere else."""

    group: str
    name: str
    summary: str

    def load(self) -> Command:
        """Import the command's module."""
        found = import_module(f"deployer.commands.{self.name}").COMMAND
        assert isinstance(found, Command)  # noqa: S101  # for the type checker
        return found


_SET_UP = "Set up a server"
_RELEASE = "Release"
_BACK_UP = "Back up and restore"
_OPERATE = "Operate"
_TRY = "Try it out"

TABLE = (
    Entry(_SET_UP, "init", "Write a new host's inventory file, from options or prompts."),
    Entry(_SET_UP, "trust", "Show the host key's fingerprint, and pin it when you confirm it."),
    Entry(_SET_UP, "bootstrap", "Create the login user on a new server, and close root's login."),
    Entry(_SET_UP, "provision", "Install and configure everything, then verify the site."),
    Entry(_SET_UP, "verify", "Check the site from outside: DNS, ports, TLS, headers, API, wallet."),
    Entry(_RELEASE, "update", "Release the latest commit without downtime."),
    Entry(_RELEASE, "rollback", "Return to the previous release, or to another that is kept."),
    Entry(_RELEASE, "releases", "List the releases: the current one, those kept, those that failed."),
    Entry(_BACK_UP, "backup", "Make a backup now and verify it, as cron does every night."),
    Entry(_BACK_UP, "backups", "List the backups with age, size and release; or verify them all."),
    Entry(_BACK_UP, "drill", "Prove that a backup can be restored, in a throwaway copy."),
    Entry(_BACK_UP, "restore", "Restore a backup; undone if the application is not healthy then."),
    Entry(_OPERATE, "renew", "Renew the certificate if it is due, or now with --force."),
    Entry(_OPERATE, "maintenance", "Switch the maintenance page on or off, without a restart."),
    Entry(_OPERATE, "status", "Show the host's state; exit code 1 if anything is down."),
    Entry(_OPERATE, "logs", "Show the containers' logs or a log file, every secret masked."),
    Entry(_OPERATE, "audit", "Show who ran what on the host, when, and how it ended."),
    Entry(_TRY, "demo", "Create and provision a throwaway host on this machine; remove it."),
)
"""In the order in which a user meets them."""

NAMES = tuple(entry.name for entry in TABLE)
