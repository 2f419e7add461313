"""`proxy maintenance`: whether visitors get the page, asked of a real TLS server in the proxy's place."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from deployer.remote import proxy
from deployer.remote.certificate import pair
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.maintenance import SAID
from deployer.remote.proxy_verbs import proxy as verb

Serve = Callable[[bytes], None]
UNAVAILABLE = "HTTP/1.1 503 Service Temporarily Unavailable\r\n\r\n"


@pytest.fixture
def serve(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A function that sets what every visitor is sent, byte by byte in pieces."""
    pair.make_self_signed(host, pair.own(host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.own(host).certificate, pair.own(host).key)
    content = [b""]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(proxy, "PORT", listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, context, content), daemon=True)
        thread.start()
        yield lambda given: content.__setitem__(0, given)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listener: socket.socket, context: ssl.SSLContext, content: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            assert b"\r\nHost: example.com\r\n" in secured.recv(1000)
            for start in range(0, len(content[0]), 40):
                secured.sendall(content[0][start : start + 40])


@pytest.mark.parametrize(
    ("answer", "on", "off"),
    [
        (f"{UNAVAILABLE}{'<!-- -->' * 50}<h1>{SAID}</h1>", True, False),
        (f"{UNAVAILABLE}no servers", False, True),
        (f"HTTP/1.1 200 OK\r\n\r\n{SAID}", False, True),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", False, True),
        ("SSH-2.0-OpenSSH", False, False),
        ("", False, False),
    ],
)
def test_proof(host: Host, serve: Serve, answer: str, on: bool, off: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The page with its status is the proof; what is no answer proves neither."""
    serve(answer.encode())
    for wanted, good in (("on", on), ("off", off)):
        if good:
            verb(host, ["maintenance", wanted])
            assert capsys.readouterr().out == f"{answer.partition(chr(13))[0]}\n"
        else:
            with pytest.raises(Failure, match="the proxy"):
                verb(host, ["maintenance", wanted])


def test_what_is_seen_instead(host: Host, serve: Serve) -> None:
    """The status is in the message."""
    serve(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(Failure, match=r"^the proxy answers HTTP/1.1 200 OK, without the maintenance page$"):
        verb(host, ["maintenance", "on"])


def test_nobody_listens(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is no answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(proxy, "PORT", listener.getsockname()[1])
    with pytest.raises(Failure, match=r"^the proxy does not answer: .*refused"):
        verb(host, ["maintenance", "off"])


@pytest.mark.parametrize("words", [["maintenance"], ["maintenance", "ON"], ["maintenance", "on", "off"]])
def test_usage(host: Host, words: list[str]) -> None:
    """Nothing but on or off."""
    with pytest.raises(Failure, match="usage: proxy maintenance") as failed:
        verb(host, words)
    assert failed.value.exit_code == 2
