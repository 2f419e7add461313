"""Key exchange as in Mozilla's intermediate profile: its three groups are accepted, OpenSSL's further ones refused."""

import subprocess

import pytest

from tests.host.proxy.stage import API, DOMAIN, Proxy

ACCEPTED = ("X25519", "P-256", "P-384")
REFUSED = ("X448", "P-521")
LIMIT = 10
"""Seconds for one handshake."""


def handshake(proxy: Proxy, name: str, group: str) -> "subprocess.CompletedProcess[str]":
    """TLS 1.3 with one group on offer; in TLS 1.2 the certificate's own curve would have to be on offer too."""
    address = f"{proxy.container.address}:443"
    command = ("openssl", "s_client", "-tls1_3", "-groups", group, "-connect", address, "-servername", name)
    trusted = ("-verify_return_error", "-CAfile", str(proxy.tree.issued.root))
    return subprocess.run(
        (*command, *trusted), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
    )


@pytest.mark.parametrize("name", [DOMAIN, API])
@pytest.mark.parametrize("group", ACCEPTED)
def test_groups_of_the_profile(proxy: Proxy, name: str, group: str) -> None:
    """A client that knows this group alone is served."""
    done = handshake(proxy, name, group)
    assert done.returncode == 0, done.stderr
    assert "New, TLSv1.3" in done.stdout


@pytest.mark.parametrize("name", [DOMAIN, API])
@pytest.mark.parametrize("group", REFUSED)
def test_other_groups(proxy: Proxy, name: str, group: str) -> None:
    """A client that knows this group alone gets an alert: the refusal is the server's, not the client's own."""
    done = handshake(proxy, name, group)
    assert done.returncode != 0
    assert "alert handshake failure" in done.stderr, done.stderr
