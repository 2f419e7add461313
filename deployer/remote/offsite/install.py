"""Installing credentials: they replace the present ones unless the repository refuses their password."""

import sys

from deployer.remote import files, output
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.offsite.credentials import FILE, Credentials
from deployer.remote.offsite.restic import ABSENT, WRONG_PASSWORD, Restic

LARGEST = 1 << 20
REFUSED = """\
Nothing was changed. A repository keeps its password until restic changes it: put the previous one back into
NAME.env; or, while the host still has that one, change it there (sudo {program} key passwd)."""


def install(host: Host, content: bytes) -> None:
    """Install offsite.env. Raises Failure where its password is not the repository's, or could not be checked."""
    path = host.config.state / FILE
    new = Credentials.parse(content, host.config.secret_words)
    present = Credentials.parse(files.read(path), host.config.secret_words)
    restic = Restic.of(host, new)
    result = restic.ask("--no-cache", "--no-lock", "cat", "config")
    opens = result.exit_code in (0, ABSENT)
    if result.exit_code == WRONG_PASSWORD or (not opens and _password_changes(present, new)):
        why = restic.failure(result, "the new RESTIC_PASSWORD is not used")
        raise Failure(f"{why}\n{REFUSED.format(program=host.config.state / 'bin' / 'restic')}")
    if not opens:
        output.say("the repository does not answer now (the next backup tries again):")
        restic.print_end(result)
    host.config.offsite.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write(path, content, 0o600)


def read_input() -> bytes:
    """What is to be installed, from standard input."""
    return sys.stdin.buffer.read(LARGEST)


def _password_changes(present: Credentials, new: Credentials) -> bool:
    """Whether the password of the same repository changes."""
    return present.repository == new.repository and present.password != new.password
