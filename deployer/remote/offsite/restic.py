"""Restic with its credentials, which no other program gets and no argument has. Works with restic 0.12 to 0.18."""

import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.remote import output
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.masked import masked
from deployer.remote.offsite.credentials import Credentials
from deployer.remote.process import Result, TimedOut, run

SHORT = 90.0
"""Seconds for a question; a repository that has not answered by then is not reachable."""
LONG = 21_600.0
"""Seconds for one backup, and for commands that read the repository."""
INCOMPLETE, ABSENT, LOCKED, WRONG_PASSWORD, TIMED_OUT, NOT_INSTALLED = 3, 10, 11, 12, 124, 127
"""Exit codes of restic 0.17, of timeout(1), and of a shell that finds no program."""
OLDER_VERSIONS = (
    (re.compile("open config file.*(?:no such file|does not exist|not exist)", re.DOTALL), ABSENT),
    (re.compile("already locked"), LOCKED),
    (re.compile("wrong password or no key found"), WRONG_PASSWORD),
)
"""What earlier versions print, with exit code 1, and the exit code that it has in 0.17."""
EXPLANATIONS: Mapping[int, str] = {
    ABSENT: "there is no repository (any more); check that its disk is mounted and its path right",
    LOCKED: "another restic has locked the repository; the next backup tries again",
    WRONG_PASSWORD: "RESTIC_PASSWORD is not the repository's; set the right one in NAME.env and run deployer "
    "provision, or see restic key",
    TIMED_OUT: "the repository did not answer in time; the next backup tries again",
    NOT_INSTALLED: "restic is not installed; deployer provision installs it",
}
UNREACHABLE = "the repository cannot be reached or used; the next backup tries again"
LOW_PRIORITY = ("nice", "-n", "10", "ionice", "-t", "-c", "2", "-n", "7")
EXIT_ERROR = re.compile(r'^\{"message_type":"exit_error".*"message":"(.*)"\}$')
"""With --json, restic 0.17 and later print their errors as JSON too."""
SHOWN = 5


@dataclass(frozen=True)
class Restic:
    """Runs restic on one repository."""

    credentials: Credentials
    cache: Path

    @classmethod
    def of(cls, host: Host, credentials: Credentials | None = None) -> "Restic":
        """With the installed credentials, or with others. Raises Failure where there are none."""
        return cls(credentials or Credentials.installed(host), host.config.offsite / "cache")

    def ask(self, *words: str, limit: float = SHORT, directory: Path = Path("/")) -> Result:
        """Run it in a directory; the exit code is that of restic 0.17, whatever version it is."""
        if not shutil.which("restic"):
            return Result(NOT_INSTALLED, b"")
        located = ("env", f"--chdir={directory}", *self._command(words))
        try:
            result = run(*located, limit=limit, environment=self._environment)
        except TimedOut:
            return Result(TIMED_OUT, b"")
        return Result(exit_code(result), result.output)

    def succeed(self, what: str, *words: str, limit: float = SHORT) -> Result:
        """The same. Raises Failure, `what` in front, where it fails."""
        result = self.ask(*words, limit=limit)
        if not result.succeeded:
            raise self.failure(result, what)
        return result

    def failure(self, result: Result, what: str) -> Failure:
        """Why it failed, and what to do; prints the last lines of restic, masked."""
        self.print_end(result)
        return Failure(f"{what}: {EXPLANATIONS.get(result.exit_code, UNREACHABLE)}")

    def print_end(self, result: Result) -> None:
        lines = (EXIT_ERROR.sub(r"\1", line).replace("\\n", "\n") for line in result.text.splitlines())
        text = masked("\n".join(lines).encode(errors="replace"), self.credentials.secrets).decode(errors="replace")
        output.say("\n".join(f"  | {line}" for line in text.splitlines()[-SHOWN:]))

    def become(self, *words: str) -> None:
        """Replace this program by restic. Raises Failure where that is not possible."""
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and restic would inherit that
        command = self._command(words)
        try:
            os.execvpe(command[0], command, {**os.environ, **self._environment})  # noqa: S606 # that is its purpose
        except OSError as error:
            raise Failure(f"{command[0]} cannot be run: {error.strerror}") from error

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.credentials.variables, "TZ": "UTC", "RESTIC_CACHE_DIR": str(self.cache)}

    def _command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return (*LOW_PRIORITY, "restic", *self.credentials.options, *words)


def exit_code(result: Result) -> int:
    """As restic 0.17 would exit."""
    if result.exit_code != 1:
        return result.exit_code
    return next((code for pattern, code in OLDER_VERSIONS if pattern.search(result.text)), 1)
