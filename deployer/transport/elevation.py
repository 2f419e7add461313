"""How a script becomes root on one host, the one question for a password, and the explanation of a refusal."""

import re
import threading
from collections.abc import Callable

from deployer.errors import ConnectionFailed
from deployer.secret import Secret
from deployer.transport.settings import Endpoint
from deployer.transport.wrapping import Elevation

# What sudo and sudo-rs (Ubuntu since 25.10) print when -n forbids them to ask.
WANTS_PASSWORD = ("a password is required", "interactive authentication is required")


class Sudo:
    """Shared by all connections to a host, so that the password is asked for at most once."""

    def __init__(
        self, *, is_root: bool, login: str, password: Secret | None, ask: Callable[[str], Secret] | None
    ) -> None:
        self._is_root = is_root
        self._login = login
        self._password = password
        self._ask = ask
        self._proved = False
        self._lock = threading.Lock()

    def way(self) -> tuple[Elevation, Secret | None]:
        with self._lock:
            if self._is_root:
                return Elevation.ROOT, None
            return (Elevation.SUDO_PASSWORD if self._password else Elevation.SUDO), self._password

    def wants_proof(self, *, may_repeat: bool) -> bool:
        """Whether sudo must be seen to work before input is sent.

        A wrong password would consume the input, and input that cannot be sent again must not meet a refusal
        that a password would have avoided.
        """
        if self._is_root or self._proved:
            return False
        return self._password is not None or (self._ask is not None and not may_repeat)

    def has_worked(self) -> None:
        self._proved = True

    def may_try_again(self, tried: Secret | None, output: str) -> bool:
        """Whether a password would help after a refusal; asks for it, once. `tried` is the one that was refused."""
        if not any(words in output for words in WANTS_PASSWORD):
            return False
        with self._lock:
            if self._ask is not None:
                ask, self._ask = self._ask, None
                self._password = ask(f"sudo password of {self._login}: ")
            return self._password is not None and self._password != tried


Explanation = tuple[str, str]

_ASK = "Set DEPLOYER_SUDO_PASSWORD, or run in a terminal to be asked for it."


def _no_password(endpoint: Endpoint) -> Explanation:
    return f"{endpoint.user} may not run sudo without a password on {endpoint}", _ASK


def _wrong_password(endpoint: Endpoint) -> Explanation:
    return (
        f"sudo on {endpoint} does not accept the password of {endpoint.user}",
        "Correct DEPLOYER_SUDO_PASSWORD: it is the password of that user on the host.",
    )


def _not_allowed(endpoint: Endpoint) -> Explanation:
    return f"{endpoint.user} is not in the sudoers file of {endpoint}", _bootstrap(endpoint)


def _no_sudo(endpoint: Endpoint) -> Explanation:
    return f"sudo is not installed on {endpoint}", _bootstrap(endpoint)


def _bootstrap(endpoint: Endpoint) -> str:
    return f"Set up sudo for that user: deployer bootstrap --host {endpoint.host_name} --as root"


def _no_terminal(endpoint: Endpoint) -> Explanation:
    return (
        f"sudo on {endpoint} requires a terminal (requiretty)",
        f"Add to its sudoers: Defaults:{endpoint.user} !requiretty",
    )


def _expired(endpoint: Endpoint) -> Explanation:
    return (
        f"the password of {endpoint.user} on {endpoint} has expired and must be changed first",
        f"Log in once and change it: ssh -p {endpoint.port} {endpoint.login}",
    )


def _no_shell(endpoint: Endpoint) -> Explanation:
    return (
        f"the login shell of {endpoint.user} on {endpoint} runs no commands",
        "Set ssh.user to an account with a usual login shell, such as /bin/bash.",
    )


def _no_bash(endpoint: Endpoint) -> Explanation:
    return f"bash is not installed on {endpoint}", "Log in manually and install it: apt-get install bash"


def _other_user(endpoint: Endpoint) -> Explanation:
    return f"{endpoint} asks for another user than {endpoint.user}", "Set ssh.user to the user named below."


# The order matters: after a wrong password sudo also prints that one is required.
_KNOWN: tuple[tuple[str, Callable[[Endpoint], Explanation]], ...] = (
    (r"incorrect (password|authentication) attempt|no password was provided|, try again", _wrong_password),
    (r"must have a tty|a terminal is required", _no_terminal),
    ("|".join(WANTS_PASSWORD), _no_password),
    (r"not in the sudoers file|may not run sudo|is not allowed to (execute|run)", _not_allowed),
    (r"I'm afraid I can't do that", _not_allowed),
    (r"env: .*\bsudo\b", _no_sudo),
    (r"bash: command not found|bash.*(not found|No such file)", _no_bash),
    (r"password has expired|change your password|Password change required", _expired),
    (r"account is currently not available|nologin", _no_shell),
    (r"[Pp]lease login as the user", _other_user),
)


def explain_refusal(endpoint: Endpoint, exit_code: int, output: str) -> ConnectionFailed:
    """The error for a script that did not start, from what was printed instead."""
    for pattern, explanation in _KNOWN:
        if re.search(pattern, output):
            return endpoint.failure(*explanation(endpoint), output=output)
    if not output:
        return endpoint.failure(*_no_shell(endpoint))
    return endpoint.failure(
        f"the login shell of {endpoint.user} on {endpoint} did not start the script (exit code {exit_code})",
        f"See what it prints: ssh -p {endpoint.port} {endpoint.login} true",
        output,
    )
