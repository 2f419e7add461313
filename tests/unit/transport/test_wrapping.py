"""The wrapping, through every login shell that is on this machine."""

import random
import re
import shutil
import subprocess

import pytest

from deployer.secret import Secret
from deployer.transport.wrapping import (
    INPUT,
    LONGEST,
    NO_INPUT,
    START,
    Beginning,
    Elevation,
    stdin_head,
    wrap,
)

SHELLS = ("bash", "dash", "fish", "tcsh", "zsh")
AWKWARD = r"""
printf '%s\n' 'single' "double" `echo back` $((1+1)) \! !! '!x' "a  b" é € ~ {a,b} '*'
printf '%s\n' '\\' "\\" ';' '&' '|' '>' '#' '%'
cat <<'END'
$not `expanded` \ ' " !
END
printf 'no newline at the end'
"""
ALL_BYTES = bytes(range(256)) * 300
PASSWORD = Secret('p\'ass "word" \\ $x!')


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    path = shutil.which(str(request.param))
    if path is None:
        pytest.skip(f"{request.param} is not installed here")
    return path


def through(shell: str, command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """As sshd does it: the login shell is given the line after -c."""
    return subprocess.run([shell, "-c", command], input=stdin, capture_output=True, check=False, timeout=30)


def own_output(output: bytes) -> bytes:
    return Beginning().pass_on(output)


def test_awkward_characters_arrive(shell: str) -> None:
    """What bash makes of a script itself is what it makes of it behind a login shell."""
    plain = subprocess.run(["bash", "-c", AWKWARD], capture_output=True, check=True)
    done = through(shell, wrap(AWKWARD, Elevation.ROOT, takes_input=False).command)
    assert (done.returncode, own_output(done.stdout)) == (0, plain.stdout)


def test_binary_payload_arrives(shell: str) -> None:
    """Every byte after the marker is the script's, none before it."""
    wrapped = wrap("cat; exit 7", Elevation.ROOT, takes_input=True)
    done = through(shell, wrapped.command, stdin_head(wrapped, PASSWORD) + ALL_BYTES)
    assert (done.returncode, own_output(done.stdout)) == (7, ALL_BYTES)


@pytest.mark.parametrize("takes_input", [True, False])
def test_long_script(shell: str, takes_input: bool) -> None:
    """A script beyond the kernel's limit for one argument travels by standard input, before its payload."""
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=4 * LONGEST))
    wrapped = wrap(f"# {noise}\ncat; exit 7", Elevation.ROOT, takes_input=takes_input)
    done = through(shell, wrapped.command, stdin_head(wrapped, PASSWORD) + ALL_BYTES)
    assert len(wrapped.command) < 1000
    assert (done.returncode, own_output(done.stdout)) == (7, ALL_BYTES if takes_input else b"")


def test_without_input_stdin_is_empty(shell: str) -> None:
    """A script that takes no input does not see the password either."""
    wrapped = wrap("cat; echo end", Elevation.ROOT, takes_input=False)
    assert own_output(through(shell, wrapped.command, stdin_head(wrapped, PASSWORD)).stdout) == b"end\n"


def test_surroundings(shell: str) -> None:
    """The same on every host, whatever the login shell set."""
    script = 'echo "$LC_ALL $DEBIAN_FRONTEND $PWD $(umask) $PATH"; echo "${word-unset}"'
    wrapped = wrap(script, Elevation.ROOT, takes_input=True)
    done = through(shell, wrapped.command, stdin_head(wrapped, PASSWORD))
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert own_output(done.stdout).decode() == f"C.UTF-8 noninteractive / 0022 {path}\nunset\n"


def test_input_that_breaks_off_starts_nothing() -> None:
    """A connection that dies before the payload must not leave a script running on an empty one."""
    wrapped = wrap("echo ran", Elevation.ROOT, takes_input=True)
    done = through("bash", wrapped.command, b"password\n")
    assert (done.returncode, done.stdout) == (NO_INPUT, b"")


def test_no_character_that_shells_disagree_about() -> None:
    """Between the quotes stand only characters that mean themselves in all of these shells."""
    for elevation in Elevation:
        command = wrap(AWKWARD, elevation, takes_input=True).command
        assert re.fullmatch(r"[^'\"!\\\n]*(-p '' )?[^'\"!\\\n]*bash -c '[^'!\\\n]+'", command)


def test_same_script_same_line() -> None:
    """Nothing in the line depends on the time."""
    lines = {wrap("true", Elevation.SUDO, takes_input=False).command for _ in range(3)}
    assert len(lines) == 1


def test_password_is_not_in_the_command() -> None:
    """It is the first line of standard input, for sudo."""
    wrapped = wrap("true", Elevation.SUDO_PASSWORD, takes_input=True)
    assert PASSWORD.reveal() not in wrapped.command
    assert stdin_head(wrapped, PASSWORD) == f"{PASSWORD.reveal()}\n{INPUT}\n".encode()


def test_beginning_in_pieces() -> None:
    """The marker is found wherever the network cuts it, and after noise without a newline."""
    stream = f"motd\nprompt> {START}\nown {START}\n".encode()
    for cut in range(len(stream)):
        beginning = Beginning()
        own = beginning.pass_on(stream[:cut]) + beginning.pass_on(stream[cut:])
        assert own == f"own {START}\n".encode()
        assert beginning.noise == b"motd\nprompt> "
