"""SSH, against a real sshd on loopback."""

import getpass
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import ConnectionFailed
from deployer.transport import ssh, tcp
from deployer.transport.connection import StrictConnection, connection
from deployer.transport.protocol import Reply, Transport
from deployer.transport.ssh import SshTransport

from .sshd import Link, Sshd, free_port, make_key

pytestmark = pytest.mark.usefixtures("root")
MANY = bytes(range(256)) * 40_000


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "RETRY_AFTER", 0.01)


@pytest.fixture
def host(sshd: Sshd) -> Iterator[SshTransport]:
    transport = SshTransport(sshd.settings())
    yield transport
    transport.close()


def refusal(transport: SshTransport) -> ConnectionFailed:
    """What comes of running something there, when nothing may."""
    try:
        with pytest.raises(ConnectionFailed) as failure:
            transport.run("true")
    finally:
        transport.close()
    assert failure.value.exit_code == 3
    assert failure.value.context.host == "demo"
    return failure.value


class TestScripts:
    def test_reply(self, host: SshTransport) -> None:
        """Exit code and both outputs, as root, without what the login shell says."""
        transport: Transport = host
        assert transport.run("id -u; echo oops >&2; exit 3") == Reply(3, b"0\n", b"oops\n")

    def test_much_in_both_directions(self, host: SshTransport) -> None:
        """More than any window, both ways and on both outputs, with stdin in pieces."""
        pieces = (MANY[start : start + 70_001] for start in range(0, len(MANY), 70_001))
        reply = host.run("tee /dev/stderr", stdin=pieces)
        assert (reply.exit_code, reply.output, reply.error) == (0, MANY, MANY)

    def test_output_before_input(self, host: SshTransport) -> None:
        """A script that says more than the window holds before it reads does not lock up."""
        assert len(host.run("head -c 8000000 /dev/zero; wc -c", stdin=MANY).output) > 8_000_000

    def test_script_that_does_not_read(self, host: SshTransport) -> None:
        """Input that the script does not read is no error; the exit code is the result."""
        assert host.run("exit 5", stdin=MANY).exit_code == 5

    def test_limit(self, host: SshTransport) -> None:
        """One script given up does not cost the connection."""
        with pytest.raises(ConnectionFailed, match="did not end within"):
            host.run("exec sleep 2", limit=0.5)
        assert host.run("echo on").output == b"on\n"

    def test_conversation(self, host: SshTransport) -> None:
        """A conversation line by line, alongside another script on the same connection."""
        talk = host.open('while read -r line; do echo "got $line"; done; echo end; exit 4')
        talk.send("one")
        assert talk.read_line() == b"got one"
        assert host.run("echo other").output == b"other\n"
        talk.send("two")
        assert talk.read(3) == b"got"
        assert talk.close() == Reply(4, b" two\nend\n", b"")

    def test_from_threads(self, host: SshTransport) -> None:
        """Connecting in one thread, scripts in several: one connection, and each gets its own answer."""
        answers: dict[int, bytes] = {}

        def one(number: int) -> None:
            answers[number] = host.run(f"echo {number}").output

        threads = [threading.Thread(target=host.connect)]
        threads += [threading.Thread(target=one, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert answers == {number: b"%d\n" % number for number in range(5)}
        assert host.traffic().round_trips == 5

    def test_again(self, host: SshTransport) -> None:
        """A new connection: another sshd process serves it."""
        host.connect()
        other = host.again()
        parent = 'ps -o ppid= -p "$PPID"'
        try:
            assert host.run("echo $PPID").output != other.run("echo $PPID; " + parent).output
            assert other.traffic().round_trips == 1
        finally:
            other.close()


class TestTrust:
    def test_unknown_key(self, sshd: Sshd) -> None:
        """Shown as ssh-keygen shows it, with the command that pins it."""
        sshd.known_hosts.write_text("")
        failure = refusal(SshTransport(sshd.settings()))
        shown = fingerprint(sshd.folder / "host.pub")
        assert "unknown" in failure.what
        assert f"{shown} (ED25519)" in failure.what
        assert f"deployer trust --host demo --fingerprint {shown}" in failure.remedy

    def test_changed_key(self, sshd: Sshd, tmp_path: Path) -> None:
        """Both fingerprints, a warning, and no new key that could be pasted back."""
        other = make_key(tmp_path / "other").with_suffix(".pub")
        sshd.know(other.read_text())
        failure = refusal(SshTransport(sshd.settings()))
        assert "CHANGED" in failure.what
        assert fingerprint(other) in failure.what
        assert fingerprint(sshd.folder / "host.pub") in failure.what
        assert "intercepting" in failure.remedy
        assert fingerprint(sshd.folder / "host.pub") not in failure.remedy

    def test_revoked_key(self, sshd: Sshd) -> None:
        """A key marked @revoked counts for nothing, though it is listed too."""
        line = sshd.known_hosts.read_text()
        sshd.known_hosts.write_text(f"{line}@revoked {line}")
        assert "unknown" in refusal(SshTransport(sshd.settings())).what

    def test_own_file_before_the_users(self, sshd: Sshd, tmp_path: Path) -> None:
        """~/.ssh/known_hosts counts too, but a pinned key wins over a stale line there."""
        (tmp_path / ".ssh").mkdir()
        right = sshd.known_hosts.read_text()
        (tmp_path / ".ssh/known_hosts").write_text(f"broken line\n{right}")
        sshd.known_hosts.write_text("")
        users = SshTransport(sshd.settings())
        assert users.run("echo yes").output == b"yes\n"
        users.close()
        sshd.know(make_key(tmp_path / "other").with_suffix(".pub").read_text())
        assert "CHANGED" in refusal(SshTransport(sshd.settings())).what

    def test_hops_are_as_strict(self, sshd: Sshd, tmp_path: Path) -> None:
        """ProxyJump hops of ~/.ssh/config are this class, nearest first, and `none` is none."""
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh/config").write_text(
            "Host inner\n ProxyJump first.example,ops@second.example:2222\n"
            "Host open\n ProxyJump none\n ForwardAgent yes\n"
        )
        inner = connection(sshd.settings(address="inner"))
        assert isinstance(inner.gateway, StrictConnection)
        assert (inner.gateway.host, inner.gateway.user, inner.gateway.port) == ("second.example", "ops", 2222)
        assert isinstance(inner.gateway.gateway, StrictConnection)
        assert inner.gateway.gateway.host == "first.example"
        assert inner.gateway.gateway.gateway is None
        plain = connection(sshd.settings(address="open"))
        assert plain.gateway is None
        assert plain.forward_agent is False


class TestGateway:
    def test_through(self, sshd: Sshd) -> None:
        """Host keys known on both hops: it works, with input."""
        gateway = f"{getpass.getuser()}@127.0.0.1:{sshd.port}"
        transport = SshTransport(sshd.settings(gateway=gateway))
        assert transport.run("cat", stdin=b"through").output == b"through"
        transport.close()

    def test_unknown_gateway(self, sshd: Sshd) -> None:
        """Its key is checked like the host's, and the message says whose it is."""
        sshd.known_hosts.write_text("")
        gateway = f"{getpass.getuser()}@127.0.0.1:{sshd.port}"
        failure = refusal(SshTransport(sshd.settings(gateway=gateway, port=1)))
        assert f"the host key of the gateway [127.0.0.1]:{sshd.port} is unknown" in failure.what

    def test_gateway_is_down(self, sshd: Sshd) -> None:
        """The gateway's failure is named as its own."""
        failure = refusal(SshTransport(sshd.settings(gateway=f"127.0.0.1:{free_port()}")))
        assert "the gateway [127.0.0.1]" in failure.what
        assert "ssh.gateway" in failure.remedy

    def test_gateway_cannot_reach(self, sshd: Sshd) -> None:
        """A host that is down behind it is the host's failure."""
        gateway = f"{getpass.getuser()}@127.0.0.1:{sshd.port}"
        failure = refusal(SshTransport(sshd.settings(gateway=gateway, port=free_port())))
        assert "the gateway cannot reach" in failure.what
        assert "ssh.address" in failure.remedy


class TestLogin:
    def test_wrong_key(self, sshd: Sshd, tmp_path: Path) -> None:
        """Says which key was tried and where the right one belongs."""
        key = make_key(tmp_path / "wrong")
        failure = refusal(SshTransport(sshd.settings(identity_file=key)))
        assert "does not let" in failure.what
        assert str(key) in failure.what
        assert "authorized_keys" in failure.remedy

    def test_no_key_at_all(self, sshd: Sshd) -> None:
        """No file, no agent: said so."""
        assert "this machine has no usable key" in refusal(SshTransport(sshd.settings(identity_file=None))).what

    def test_default_keys(self, sshd: Sshd, tmp_path: Path) -> None:
        """Without an identity file, those of ~/.ssh are tried, and locked ones are named."""
        (tmp_path / ".ssh").mkdir()
        make_key(tmp_path / ".ssh/id_ed25519", "secret")
        make_key(tmp_path / ".ssh/id_ecdsa", kind="ecdsa")
        what = refusal(SshTransport(sshd.settings(identity_file=None))).what
        assert f"{tmp_path}/.ssh/id_ecdsa\n" in what
        assert f"ssh-add {tmp_path}/.ssh/id_ed25519" in what

    def test_missing_identity(self, sshd: Sshd, tmp_path: Path) -> None:
        """A path that does not exist is named."""
        failure = refusal(SshTransport(sshd.settings(identity_file=tmp_path / "none")))
        assert f"{tmp_path}/none does not exist" in failure.what

    def test_locked_identity(self, sshd: Sshd, tmp_path: Path) -> None:
        """A passphrase is not asked for: the agent holds unlocked keys."""
        key = make_key(tmp_path / "locked", "secret")
        failure = refusal(SshTransport(sshd.settings(identity_file=key)))
        assert "locked by a passphrase" in failure.what
        assert f"ssh-add {key}" in failure.remedy

    def test_public_half(self, sshd: Sshd) -> None:
        """The usual slip: the .pub file."""
        failure = refusal(SshTransport(sshd.settings(identity_file=sshd.folder / "user.pub")))
        assert "no private key" in failure.what


class TestNetwork:
    def test_refused(self, sshd: Sshd) -> None:
        """Nobody listens there."""
        assert "refuses the connection" in refusal(SshTransport(sshd.settings(port=free_port()))).what

    def test_retry(self, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection that fails once is tried once more."""
        waited: list[float] = []
        transport = SshTransport(sshd.settings(port=free_port()))
        monkeypatch.setattr("time.sleep", waited.append)
        assert "refuses" in refusal(transport).what
        assert waited == [ssh.RETRY_AFTER]

    def test_no_such_name(self, sshd: Sshd) -> None:
        """.invalid never resolves, RFC 2606."""
        assert "does not resolve" in refusal(SshTransport(sshd.settings(address="no.invalid"))).what

    def test_mute_server(self, sshd: Sshd) -> None:
        """A port that takes the connection and says nothing: bounded by the limit, twice."""
        began = time.monotonic()
        with Link(sshd.port) as link:
            link.cut()
            what = refusal(SshTransport(sshd.settings(port=link.port, connect_limit=1))).what
        assert "as an SSH server" in what or "did not answer" in what
        assert time.monotonic() - began < 6

    def test_killed_in_mid_script(self, sshd: Sshd, host: SshTransport) -> None:
        """Says that the connection was lost and that running again is safe."""

        def kill(_output: bytes) -> None:
            sshd.kill_connections()

        with pytest.raises(ConnectionFailed, match="was lost") as failure:
            host.run("echo started; exec sleep 30", on_output=kill)
        assert "same command again" in failure.value.remedy
        with pytest.raises(ConnectionFailed, match="was lost"):
            host.run("true")

    def test_killed_in_mid_input(self, sshd: Sshd, host: SshTransport) -> None:
        """Nor does the sending side hang."""

        def endless() -> Iterator[bytes]:
            for number in range(100_000):
                if number == 50:
                    sshd.kill_connections()
                yield bytes(32_768)

        with pytest.raises(ConnectionFailed, match="was lost"):
            host.run("exec cat >/dev/null", stdin=endless())

    @pytest.mark.parametrize("sending", [False, True])
    def test_silent_peer(self, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, sending: bool) -> None:
        """A link that swallows everything is noticed long before any time limit, idle or in mid-sending."""
        monkeypatch.setattr(tcp, "REQUEST_AFTER", 0.2)
        monkeypatch.setattr(tcp, "LOST_AFTER", 0.8)
        began = time.monotonic()
        with Link(sshd.port) as link:
            sshd.known_hosts.write_text(sshd.known_hosts.read_text().replace(str(sshd.port), str(link.port)))
            transport = SshTransport(sshd.settings(port=link.port))
            stdin = (bytes(32_768) for _ in range(10_000)) if sending else b""
            with pytest.raises(ConnectionFailed, match="silent"):
                transport.run("echo; exec sleep 30", stdin=stdin, on_output=lambda _: link.cut())
            transport.close()
        assert time.monotonic() - began < 10

    def test_quiet_script_is_not_a_silent_peer(self, host: SshTransport, monkeypatch: pytest.MonkeyPatch) -> None:
        """A script that says nothing for long is fine while sshd answers."""
        monkeypatch.setattr(tcp, "REQUEST_AFTER", 0.1)
        monkeypatch.setattr(tcp, "LOST_AFTER", 0.3)
        assert host.run("sleep 1; echo there").output == b"there\n"


def fingerprint(public_key: Path) -> str:
    """From ssh-keygen, not from the code under test."""
    shown = subprocess.run(["ssh-keygen", "-lf", public_key], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]
