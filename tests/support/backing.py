"""A host whose backups are tested: what they leave, what they tell, and a Docker that does not pause as it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.releasing import ROOT
from tests.support.tool import Deployment, Event

BACKUPS = "/backups/biometric-did"
PROGRAM = f"{ROOT}/.deployer/bin/backup"
WRAPPER = "/usr/local/bin/docker"
BACKEND = "--filter label=com.docker.compose.service=backend-api"
AWAITED_SECONDS = 45
"""The 30 of the timer that lets the application go on, and some for a busy machine."""


@dataclass(frozen=True)
class Site:
    """A provisioned host."""

    deployment: Deployment

    def sh(self, command: str, *, check: bool = True) -> str:
        return self.deployment.host.exec(command, check=check, seconds=300).stdout

    def await_backend(self) -> None:
        """Until one runs, and is not paused."""
        running = f"docker ps {BACKEND} --filter status=running -q | grep -q ."
        self.sh(f"timeout {AWAITED_SECONDS} bash -c 'until {running}; do sleep 0.2; done'")

    def backup(self) -> Event:
        """Make one; gives what `backups` tells of it."""
        self.deployment.ok("backup")
        return self.known[-1]

    @property
    def known(self) -> list[Event]:
        return [event for event in self.deployment.ok("backups").events if event["event"] == "backup"]

    def refused(self, *words: str) -> str:
        """The last line of the host in a backup that fails; everybody runs on, and nothing is left."""
        before = self.known
        outcome = self.deployment.run("backup", *words)
        assert outcome.exit_code == 1, outcome
        assert self.left_over == ""
        assert self.known == before
        return outcome.err

    @property
    def left_over(self) -> str:
        """What a failed backup must not leave: a pause, a timer, half of one, copies set aside."""
        return self.sh(
            f"docker ps -q --filter status=paused; systemctl list-timers --all | grep unpause; ls -d {BACKUPS}/.b*; "
            f"ls -d {ROOT}/.deployer/staged /run/deployer-biometric-did.backup 2>/dev/null; true"
        )

    @contextmanager
    def docker(self, pause: str) -> Iterator[None]:
        """`docker pause` does this instead, in front of PATH."""
        text = f'#!/bin/bash\ncase $1 in pause)\n{pause}\n;; esac\nexec /usr/bin/docker "$@"\n'
        self.deployment.host.write(WRAPPER, text, mode="755")
        try:
            yield
        finally:
            self.sh(f"rm -f {WRAPPER} /tmp/paused /tmp/go")

    @contextmanager
    def mounted(self, what: str, at: str) -> Iterator[None]:
        self.sh(f"mkdir -p {at} && mount {what} {at}")
        try:
            yield
        finally:
            self.sh(f"umount {at}")
