"""The steps of bootstrap: facts in, changes out; nothing is closed before the new login is proved."""

import hashlib
from collections.abc import Sequence

import pytest

from deployer.access import root_login, sudo
from deployer.access.account import Account, rights
from deployer.access.expired import converse
from deployer.engine.changes import Change, Gate, Note, Script, Stop, WriteFiles
from deployer.engine.facts import Facts
from deployer.engine.plan import name_of
from deployer.engine.step import Step
from deployer.secret import Secret
from tests.unit.commands.fakes import inventory

HOST = inventory()
KEY = "ssh-ed25519 AAAAkey operator@desk"
ACCOUNT = Account((KEY,))
IN_PLACE = f"/home/deploy\n700 deploy\n600 deploy\n{KEY}\n"
CLOSED = "permitrootlogin no\npasswordauthentication no\nkbdinteractiveauthentication no"


def standing(content: bytes, mode: str) -> str:
    return f"regular file/{mode}/root:root\n{hashlib.sha256(content).hexdigest()}\n"


RIGHTS = standing(rights(HOST).content, "440")
CONF = standing(root_login._file().content, "644")
INCLUDE = "12:Include /etc/ssh/sshd_config.d/*.conf"


def changes(step: Step, **answers: str) -> list[Change | Note]:
    return list(step.plan(HOST, Facts.of(**answers)))


def kinds(found: Sequence[object]) -> list[str]:
    return [type(one).__name__ for one in found]


def test_steps_are_steps() -> None:
    """Their names are what --json calls them."""
    steps: tuple[Step, ...] = (sudo, ACCOUNT, root_login)
    assert [name_of(step) for step in steps] == ["sudo", "account", "root_login"]


def test_sudo_is_installed_only_where_it_is_missing() -> None:
    """Both commands are needed: visudo checks what is written."""
    assert not changes(sudo, sudo="/usr/bin/sudo\n/usr/sbin/visudo")
    assert kinds(changes(sudo, sudo="")) == ["Script"]


def test_a_bare_server_gets_the_user_and_proves_it() -> None:
    """Made, given rights (checked by visudo), given the key; and at last a login as that user."""
    found = changes(ACCOUNT, account="", keys="", rights="")
    assert kinds(found) == ["Script", "WriteFiles", "Script", "SecondLogin"]
    written = found[1]
    assert isinstance(written, WriteFiles)
    assert "visudo -c" in written.check
    assert written.files[0].mode == 0o440


def test_a_user_that_is_ready_is_left_alone() -> None:
    """Also where authorized_keys is 0644, which sshd accepts."""
    for answer in (IN_PLACE, IN_PLACE.replace("600", "644")):
        assert not changes(ACCOUNT, account="deploy:x:1000", keys=answer, rights=RIGHTS)


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519 AAAAother x", f'command="echo no" {KEY}', f"# {KEY}", "ssh-ed25519 AAAAke"]
)
def test_a_line_that_does_not_let_the_key_in_does_not_count(line: str) -> None:
    """Another key, one with a forced command, a comment, a part of it."""
    answer = f"/home/deploy\n700 deploy\n600 deploy\n{line}\n"
    found = changes(ACCOUNT, account="deploy:x:1000", keys=answer, rights=RIGHTS)
    assert kinds(found) == ["Script", "SecondLogin"]
    assert isinstance(found[0], Script)
    assert KEY in found[0].script


def test_loose_modes_are_mended() -> None:
    """sshd ignores the file otherwise (StrictModes)."""
    answer = IN_PLACE.replace("700 deploy", "777 deploy")
    assert kinds(changes(ACCOUNT, account="deploy:x:1000", keys=answer, rights=RIGHTS)) == ["Script", "SecondLogin"]


def test_root_is_closed_between_two_proofs_with_a_way_back() -> None:
    """A login first; the timed way back before the first change; sshd's own view as gate; a login last."""
    found = changes(root_login, file="", includes=INCLUDE, effective="permitrootlogin yes", undo="inactive")
    assert kinds(found) == ["SecondLogin", "Script", "WriteFiles", "Script", "Gate", "SecondLogin"]
    timed, written, gate = found[1], found[2], found[4]
    assert isinstance(timed, Script)
    assert isinstance(written, WriteFiles)
    assert isinstance(gate, Gate)
    assert "systemd-run" in timed.script
    assert timed.undo == root_login.put_back(HOST)
    assert "sshd -t" in written.check


def test_root_that_is_closed_stays_so() -> None:
    """Nothing to do, unless a run ended before it could say that the login was proved."""
    assert not changes(root_login, file=CONF, includes=INCLUDE, effective=CLOSED, undo="inactive")
    left = changes(root_login, file=CONF, includes=INCLUDE, effective=CLOSED, undo="active")
    assert kinds(left) == ["SecondLogin"]


@pytest.mark.parametrize("first", ["3:PermitRootLogin yes", "1:Match User root", ""])
def test_our_file_is_included_before_what_could_decide(first: str) -> None:
    """The first value counts."""
    includes = f"{first}\n{INCLUDE}" if first else ""
    found = changes(root_login, file=CONF, includes=includes, effective="permitrootlogin yes", undo="")
    whys = [one.why for one in found if isinstance(one, Script)]
    assert any("include" in why for why in whys)


def test_a_file_that_overrules_ours_is_named_and_nothing_is_done() -> None:
    """No change of ours mends that."""
    with pytest.raises(Stop, match="permitrootlogin yes"):
        changes(root_login, file=CONF, includes=INCLUDE, effective="permitrootlogin yes", undo="")


def test_root_as_the_user_is_refused() -> None:
    """Nobody would be left to log in."""
    root = inventory(ssh={"address": "192.0.2.1", "user": "root"})
    with pytest.raises(Stop, match="root"):
        list(root_login.plan(root, Facts.of(file="", includes="", effective="", undo="")))


class Screen:
    """A terminal on which passwd asks, as Linux-PAM words it."""

    def __init__(self, *said: str) -> None:
        self._said = [text.encode() for text in said]
        self.typed: list[str] = []

    def recv(self, size: int) -> bytes:
        return self._said.pop(0) if self._said else b""

    def send(self, data: bytes) -> int:
        self.typed.append(data.decode())
        return len(data)


def test_an_expired_password_is_changed_in_conversation() -> None:
    """Each prompt gets its answer, once, also where it comes in pieces."""
    screen = Screen(
        "WARNING: Your password has expired.\r\nYou must change your password now and login again!\r\n",
        "Current pass",
        "word: ",
        "\r\nNew password: ",
        "\r\nRetype new password: ",
        "\r\npasswd: password updated successfully\r\n",
    )
    assert "updated" in converse(screen, Secret("old"), Secret("new"))
    assert screen.typed == ["old\n", "new\n", "new\n"]


def test_root_is_not_asked_for_the_old_password_and_a_refusal_ends_it() -> None:
    """A password that the host finds too simple: it asks anew, and is not answered for ever."""
    screen = Screen("New password: ", "\r\nBAD PASSWORD: too short\r\nNew password: ")
    assert "BAD PASSWORD" in converse(screen, Secret("old"), Secret("new"))
    assert screen.typed == ["new\n"]
