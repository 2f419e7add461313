"""Another container for the proxy, with a real TLS server that answers as long as one of the containers runs."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from deployer.remote import proxy, proxy_replacement
from deployer.remote.certificate import pair
from deployer.remote.failure import GATE_FAILED, ROLLBACK_FAILED, Failure
from deployer.remote.host import Host
from deployer.remote.process import Result


@dataclass
class Containers:
    """Docker with two containers of the proxy, `old` and `new`; `fails` are the beginnings of calls that do."""

    fails: tuple[str, ...] = ()
    mute: bool = False
    """The new one starts, and does not answer."""
    up: set[str] = field(default_factory=lambda: {"old"})
    calls: list[str] = field(default_factory=list)

    def __call__(self, *words: str, limit: float = 0, stdin: bytes = b"") -> Result:
        call = " ".join(words)
        self.calls.append(call)
        if any(call.startswith(fails) for fails in self.fails):
            return Result(1, b"docker failed")
        if words[0] == "start":
            self.up.add(words[1])
        elif words[0] in ("stop", "rm"):
            self.up.discard(words[-1])
        return Result(0, b"new\n" if "status=created" in call else b"old\n" if words[0] == "ps" else b"")

    @property
    def serve(self) -> bool:
        return bool(self.up - ({"new"} if self.mute else set()))


@pytest.fixture
def containers() -> Containers:
    return Containers()


@pytest.fixture
def replaced(host: Host, containers: Containers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The host, with a server behind the address of its proxy."""
    monkeypatch.setattr(proxy_replacement, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(proxy_replacement, "AFTERWARDS_SECONDS", 0.5)
    pair.make_self_signed(host, pair.own(host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.own(host).certificate, pair.own(host).key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(proxy, "PORT", listener.getsockname()[1])
        thread = threading.Thread(target=serve, args=(listener, context, containers), daemon=True)
        thread.start()
        yield Host(host.config, containers)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def serve(listener: socket.socket, context: ssl.SSLContext, containers: Containers) -> None:
    """Answer every visitor while a container is there to do so."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            if containers.serve:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1000)
                    secured.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def steps(containers: Containers) -> list[str]:
    """What was done to the containers."""
    return [call for call in containers.calls if call.partition(" ")[0] in ("stop", "start", "rm")]


def test_replaced(replaced: Host, containers: Containers, capsys: pytest.CaptureFixture[str]) -> None:
    """The new one starts when the old one has stopped, and the gap is reported; nobody asks any more."""
    proxy_replacement.replace(replaced)
    assert steps(containers) == ["stop --time=3 old", "start new", "rm old"]
    assert capsys.readouterr().out.startswith("\x1epart gap 0.")
    assert threading.active_count() == 2  # this test and its server


@pytest.mark.parametrize("fault", [{"fails": ("start new",)}, {"mute": True}, {"fails": ("logs", "rm"), "mute": True}])
def test_the_new_one_is_no_good(
    fault: dict[str, object], replaced: Host, containers: Containers, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old one is started again, whatever fails on the way: exit code 4."""
    for name, value in fault.items():
        setattr(containers, name, value)
    with pytest.raises(Failure, match="the old proxy serves again") as failure:
        proxy_replacement.replace(replaced)
    assert failure.value.exit_code == GATE_FAILED
    assert steps(containers)[-1] == "start old"
    assert "the new proxy does not answer; starting the old one again" in capsys.readouterr().out


def test_neither_answers(replaced: Host, containers: Containers) -> None:
    """Manual intervention is required: exit code 5."""
    containers.fails = ("start",)
    with pytest.raises(Failure, match="neither the new nor the old proxy answers") as failure:
        proxy_replacement.replace(replaced)
    assert failure.value.exit_code == ROLLBACK_FAILED


@pytest.mark.parametrize("fails", ["run --rm", "image inspect", "stop"])
def test_what_fails_before(fails: str, replaced: Host, containers: Containers) -> None:
    """The old one is not touched: its configuration is refused, its image not there, or it does not stop."""
    containers.fails = (fails, "pull") if fails == "image inspect" else (fails,)
    with pytest.raises(Failure, match="docker failed"):
        proxy_replacement.replace(replaced)
    assert "start new" not in containers.calls
    assert containers.up == {"old"}
