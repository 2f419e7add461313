"""The words of sudo and of login shells, and what becomes of them."""

import pytest

from deployer.transport.elevation import explain_refusal
from deployer.transport.settings import Endpoint

PLACE = Endpoint("ops", "example.com", 22, "demo")


@pytest.mark.parametrize(
    ("said", "what", "remedy"),
    [
        ("sudo: a password is required", "without a password", "DEPLOYER_SUDO_PASSWORD"),
        ("sudo: interactive authentication is required", "without a password", "DEPLOYER_SUDO_PASSWORD"),
        (
            "Sorry, try again.\n\nsudo: no password was provided\nsudo: 1 incorrect password attempt",
            "does not accept the password",
            "DEPLOYER_SUDO_PASSWORD",
        ),
        ("ops is not in the sudoers file.", "not in the sudoers file", "bootstrap --host demo"),
        ("Sorry, user ops may not run sudo on demo.", "not in the sudoers file", "bootstrap"),
        (
            "env: 'sudo': No such file or directory",
            "sudo is not installed",
            "bootstrap --host demo --as root",
        ),
        ("sudo: sorry, you must have a tty to run sudo", "requires a terminal", "!requiretty"),
        ("sudo: bash: command not found", "bash is not installed", "apt-get install bash"),
        ("This account is currently not available.", "runs no commands", "ssh.user"),
        ("", "runs no commands", "ssh.user"),
        ("WARNING: Your password has expired.", "has expired", "ssh -p 22 ops@example.com"),
        ('Please login as the user "ubuntu" rather than the user "root".', "another user", "ssh.user"),
        ("something else entirely", "exit code 42", "ssh -p 22 ops@example.com true"),
    ],
)
def test_refusals(said: str, what: str, remedy: str) -> None:
    """Each has a sentence of its own and a way out, and names the host."""
    failure = explain_refusal(PLACE, 42, said)
    assert what in failure.what
    assert remedy in failure.remedy
    assert (failure.context.host, failure.context.output, failure.exit_code) == ("demo", said, 3)
