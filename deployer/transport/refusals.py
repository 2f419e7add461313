"""Why a script did not start: the words of sudo and of login shells, made into what to do next."""

import re
from collections.abc import Callable

from deployer.errors import ConnectionFailed
from deployer.transport.elevation import WANTS_PASSWORD
from deployer.transport.place import Endpoint

Explanation = tuple[str, str]

_ASK = "Set DEPLOYER_SUDO_PASSWORD, or run in a terminal to be asked for it."


def _no_password(place: Endpoint) -> Explanation:
    return f"{place.user} may not run sudo without a password on {place}", _ASK


def _wrong_password(place: Endpoint) -> Explanation:
    return (
        f"sudo on {place} does not accept the password of {place.user}",
        "Correct DEPLOYER_SUDO_PASSWORD: it is the password of that user on the host.",
    )


def _not_allowed(place: Endpoint) -> Explanation:
    return f"{place.user} is not in the sudoers file of {place}", _bootstrap(place)


def _no_sudo(place: Endpoint) -> Explanation:
    return f"sudo is not installed on {place}", _bootstrap(place)


def _bootstrap(place: Endpoint) -> str:
    return f"Give it to that user: deployer bootstrap --host {place.host_name} --as root"


def _no_terminal(place: Endpoint) -> Explanation:
    return (
        f"sudo on {place} wants a terminal (requiretty)",
        f"Add to its sudoers: Defaults:{place.user} !requiretty",
    )


def _expired(place: Endpoint) -> Explanation:
    return (
        f"the password of {place.user} on {place} has expired and must be changed first",
        f"Log in once by hand: ssh -p {place.port} {place.login}",
    )


def _no_shell(place: Endpoint) -> Explanation:
    return (
        f"the login shell of {place.user} on {place} runs nothing",
        "Set ssh.user to an account with a usual login shell, such as /bin/bash.",
    )


def _no_bash(place: Endpoint) -> Explanation:
    return f"bash is not installed on {place}", "Log in by hand and install it: apt-get install bash"


def _other_user(place: Endpoint) -> Explanation:
    return f"{place} wants another user than {place.user}", "Set ssh.user to the one it names."


# In this order: a wrong password is also followed by words about a required one.
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


def explain_refusal(place: Endpoint, exit_code: int, output: str) -> ConnectionFailed:
    """The error for a script that did not start, from what was said instead."""
    for pattern, explanation in _KNOWN:
        if re.search(pattern, output):
            return place.failure(*explanation(place), output=output)
    if not output:
        return place.failure(*_no_shell(place))
    return place.failure(
        f"the login shell of {place.user} on {place} did not start the script (exit code {exit_code})",
        f"See what it says: ssh -p {place.port} {place.login} true",
        output,
    )
