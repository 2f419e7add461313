"""What arrives at the applications: the truth about the client, upgrades, and each POST at most once."""

import http.client
import json
import socket
import ssl
import time

from tests.host.proxy import stage
from tests.host.proxy.conftest import APPLICATION
from tests.host.proxy.stage import API, PREFIX, Network, Proxy, Tree, inventory
from tests.support.visitor import Visitor

FORGED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Real-IP": "198.51.100.7",
    "Forwarded": "for=198.51.100.7;proto=http",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example.net",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X_Forwarded_For": "198.51.100.7",
}


def test_a_client_is_not_believed(proxy: Proxy) -> None:
    """Each of the proxy's headers arrives once with the proxy's own value; what it has none for does not arrive."""
    told = proxy.told("/", headers=FORGED)["headers"]
    assert isinstance(told, list)
    arrived = {key.lower(): value for key, value in told if key.lower().replace("_", "-").startswith(("x-", "forw"))}
    client = arrived["x-real-ip"]
    assert arrived == {
        "x-real-ip": client,
        "x-forwarded-for": client,
        "x-forwarded-proto": "https",
        "x-forwarded-host": API,
    }
    assert client not in FORGED.values()
    names = [key.lower() for key, _ in told]
    assert len(names) == len(set(names))
    assert ["Host", API] in told


def _connected(visitor: Visitor) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(visitor.trusted))
    plain = socket.create_connection((visitor.address, 443), timeout=10)
    return context.wrap_socket(plain, server_hostname=API)


def test_connections_to_the_application_are_kept(proxy: Proxy) -> None:
    """The next request takes the same one, unless it has been idle for so long that the application may close it.

    All on one connection of the client's, that is by one worker: each keeps its own.
    """
    client = http.client.HTTPConnection(proxy.visitor.address)
    client.sock = _connected(proxy.visitor)
    first = _port(client, "GET")
    assert [_port(client, method) for method in ("GET", "POST")] == [first, first]
    time.sleep(3.5)
    assert _port(client, "POST") != first
    client.close()


def _port(client: http.client.HTTPConnection, method: str) -> int:
    """The proxy's port as the application sees it."""
    client.request(method, "/", headers={"Host": API})
    return int(json.loads(client.getresponse().read())["port"])


def test_an_upgrade_is_passed_on(proxy: Proxy) -> None:
    """101 comes back, and bytes go both ways."""
    lines = ("GET /socket HTTP/1.1", f"Host: {API}", "Upgrade: websocket", "Connection: Upgrade", "", "")
    with _connected(proxy.visitor) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        connection.sendall(b"there and back")
        assert connection.recv(4096) == b"there and back"


def test_without_an_upgrade_there_is_none(proxy: Proxy) -> None:
    """The guide's `Connection: upgrade` on every request would keep no connection alive."""
    told = proxy.told()["headers"]
    assert isinstance(told, list)
    assert not {key.lower() for key, _ in told} & {"upgrade", "connection"}


def test_a_post_is_sent_once(network: Network, tree: Tree) -> None:
    """The application takes it and closes the connection: 502, and neither it nor its neighbour sees it again."""
    host, other = inventory(), f"{PREFIX}-other"
    tree.write(host, [APPLICATION, other], ["wallet"])
    with network.application(other, host), stage.proxy(network, tree) as proxy:
        time.sleep(1)
        before = _dropped(proxy)
        for number in range(1, 7):
            proxy.told(method="POST", body=b"warm")
            assert proxy.visitor.ask(API, "/drop", method="POST", body=b"once").status == 502
            assert _dropped(proxy) - before == number


def _dropped(proxy: Proxy) -> int:
    """How many arrived at both applications together; the proxy asks them in turn."""
    found: dict[object, int] = {}
    while len(found) < 2:
        counted = proxy.told("/dropped")
        found[counted["name"]] = int(str(counted["dropped"]))
    return sum(found.values())
