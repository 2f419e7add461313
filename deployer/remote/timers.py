"""Timers of systemd: a command that is run later, whatever becomes of this program."""

from typing import Protocol

from deployer.remote.process import Result, run

SECONDS = 30.0


class Timers(Protocol):
    """Tests answer in its place."""

    def set(self, name: str, seconds: int, *words: str) -> Result:
        """Run the words after so many seconds; it fails where there is a timer of this name."""

    def remove(self, name: str) -> None:
        """Remove the timer, if there is one."""

    def exists(self, name: str) -> bool:
        """Whether there is one of this name that has not run yet."""


class Systemd:
    """The real ones."""

    def set(self, name: str, seconds: int, *words: str) -> Result:
        options = ("--quiet", "--collect", f"--unit={name}", "--timer-property=AccuracySec=1s")
        return run("systemd-run", *options, f"--on-active={seconds}", *words, limit=SECONDS)

    def remove(self, name: str) -> None:
        run("systemctl", "stop", f"{name}.timer", limit=SECONDS)

    def exists(self, name: str) -> bool:
        return run("systemctl", "is-active", f"{name}.timer", limit=SECONDS).text.strip() == "active"
