"""The proxy's upstream file as text."""

from deployer.remote.release.service import Service, parsed
from deployer.remote.release.upstreams import named, rewritten

TEXT = """\
# managed by deployer
upstream backend {
    zone backend 64k;
    server app-backend-api-1:8000 resolve max_fails=0;
    server app-backend-api-2:9000 resolve max_fails=0;
    keepalive 16;
}

upstream wallet {
    server app-demo-wallet-1:80 resolve max_fails=0;
}
"""
BACKEND, WALLET = parsed(
    "backend-api backend 8000 2 yes b:1 curl http://127.0.0.1:8000/health/?a=1 || true\n"
    "demo-wallet wallet 80 1 no w:1 true\n"
)


def test_named() -> None:
    """The containers of each upstream, in their order; none of one that is not there."""
    assert named(TEXT, BACKEND) == ("app-backend-api-1", "app-backend-api-2")
    assert named(TEXT, WALLET) == ("app-demo-wallet-1",)
    assert named("", BACKEND) == ()


def test_rewritten() -> None:
    """A server that stays keeps its line and port, a new one gets the release's; all else stays as it is."""
    text = rewritten(TEXT, {BACKEND: ("app-backend-api-2", "app-backend-api-3"), WALLET: ("app-demo-wallet-2",)})
    assert text == TEXT.replace(
        "    server app-backend-api-1:8000 resolve max_fails=0;\n"
        "    server app-backend-api-2:9000 resolve max_fails=0;\n",
        "    server app-backend-api-2:9000 resolve max_fails=0;\n"
        "    server app-backend-api-3:8000 resolve max_fails=0;\n",
    ).replace("demo-wallet-1", "demo-wallet-2")


def test_one_becomes_many_and_back() -> None:
    """Any number of servers; the way back gives the text of before."""
    more = rewritten(TEXT, {WALLET: ("app-demo-wallet-1", "app-demo-wallet-2", "app-demo-wallet-3")})
    assert len(named(more, WALLET)) == 3
    assert rewritten(more, {WALLET: ("app-demo-wallet-1",)}) == TEXT


def test_services() -> None:
    """Recorded lines are read as they are written; the path is the one that the check asks for."""
    assert Service("backend-api", "backend", 8000, 2, True, "b:1", BACKEND.check) == BACKEND
    assert (BACKEND.path, WALLET.path, WALLET.overlap) == ("/health/?a=1", "/", False)
    assert parsed(f"{BACKEND.line}\n{WALLET.line}\n") == (BACKEND, WALLET)
    assert parsed("a b 80 1 yes registry:5000/w@sha256:77 true")[0].repository == "registry:5000/w@sha256"
