"""The ports of the tests' own CA: two that run side by side never have the same ones."""

import socket
from pathlib import Path

import pytest

from tests.support.authority import reserved

LOOPBACK = "127.0.0.1"


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYER_TESTBED_CACHE", str(tmp_path))


def test_reserved_before_anything_listens() -> None:
    """Another range while one is held, the same one again after it."""
    with reserved(LOOPBACK, 5) as first:
        with reserved(LOOPBACK, 5) as second:
            assert set(first).isdisjoint(second)
            assert len(first) == len(second) == 5
        with reserved(LOOPBACK, 5) as again:
            assert again == second


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_what_a_stranger_uses_is_passed_by(kind: socket.SocketKind) -> None:
    """Who knows of no locks listens on one of the ports."""
    with reserved(LOOPBACK, 5) as ports:
        pass
    with socket.socket(type=kind) as stranger:
        stranger.bind((LOOPBACK, ports[2]))
        with reserved(LOOPBACK, 5) as others:
            assert ports[2] not in others
