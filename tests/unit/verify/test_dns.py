"""Names and their addresses, asked of a name server on loopback."""

import pytest

from deployer.verify import addresses as names
from deployer.verify.dns import Addresses, resolve
from deployer.verify.target import Mode, Site
from deployer.verify.visit import Visit

from .naming import SILENT, name_server

NAME = "wallet.example.com"
API = "api.wallet.example.com"
ZONE = {
    (NAME, "A"): ["192.0.2.1", "192.0.2.2"],
    (NAME, "AAAA"): ["2001:db8::1"],
    ("alias.example.com", "A"): ["192.0.2.1"],
    ("empty.example.com", "TXT"): ['"text"'],
    ("failing.example.com", "A"): None,
    ("half.example.com", "A"): ["192.0.2.1"],
    ("half.example.com", "AAAA"): None,
}


def test_both_kinds_of_address_are_found() -> None:
    """A and AAAA of every name, in one call, asked names once each."""
    with name_server(ZONE) as server:
        found = resolve([NAME, "alias.example.com", NAME], [server])
    first = found[NAME]
    assert isinstance(first, Addresses)
    assert sorted(first.v4) == ["192.0.2.1", "192.0.2.2"]
    assert first.v6 == ("2001:db8::1",)
    assert found["alias.example.com"] == Addresses(("192.0.2.1",), ())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent.example.com", "does not exist"),
        ("empty.example.com", "neither"),
        ("failing.example.com", "SERVFAIL"),
        ("half.example.com", "AAAA"),
        ("a" * 70 + ".example.com", ""),
        ("two..dots", ""),
    ],
)
def test_failures_are_told_in_words(name: str, words: str) -> None:
    """A name without addresses comes with the reason, never with an exception."""
    with name_server(ZONE) as server:
        found = resolve([name], [server])[name]
    assert isinstance(found, str)
    assert found
    assert words in found


def test_silence_is_bounded() -> None:
    """A name server that does not answer is given up within the limit."""
    with name_server({(NAME, "A"): SILENT, (NAME, "AAAA"): SILENT}) as server:
        found = resolve([NAME], [server], limit=0.3)[NAME]
    assert isinstance(found, str)
    assert "answer" in found


def test_a_second_server_is_asked() -> None:
    """One that is silent does not hide one that answers."""
    with name_server({(NAME, "A"): SILENT, (NAME, "AAAA"): SILENT}) as silent, name_server(ZONE) as server:
        assert isinstance(resolve([NAME], [silent, server], limit=4)[NAME], Addresses)


@pytest.mark.parametrize("server", ["not an address", "ns1.example.com", "[::1", "127.0.0.1:port"])
def test_a_server_that_is_no_address_is_told(server: str) -> None:
    """A mistake in the inventory is a reason, not an exception."""
    assert isinstance(resolve([NAME], [server])[NAME], str)


@pytest.mark.parametrize("server", ["[::1]:1", "::1", "[::1]"])
def test_servers_may_be_ipv6(server: str) -> None:
    """With brackets and a port, or without; nobody answers there, which is said."""
    found = resolve([NAME], [server], limit=0.2)[NAME]
    assert isinstance(found, str)
    assert "no name server to query" not in found


def test_no_names_need_no_server() -> None:
    """Nothing asked, nothing answered."""
    assert resolve([], ["127.0.0.1"]) == {}


def verdicts(address: str, mode: Mode = "letsencrypt") -> dict[str, str]:
    zone = {(NAME, "A"): ["192.0.2.1"]}
    with name_server(zone) as server:
        site = Site(NAME, API, address=address, mode=mode, nameservers=(server,))
        return {check.name: check.verdict for check in names.check(Visit(site))}


def test_a_name_that_leads_here_passes() -> None:
    """The address looked at is among those of the name; one that does not exist fails."""
    assert verdicts("192.0.2.1") == {f"DNS: {NAME}": "pass", f"DNS: {API}": "fail"}


def test_a_name_that_leads_elsewhere_is_a_warning() -> None:
    """It may be a network address translation or a CDN: only a person can tell."""
    assert verdicts("198.51.100.7")[f"DNS: {NAME}"] == "warning"


def test_without_a_public_certificate_a_name_may_be_private() -> None:
    """A self-signed site may be known to /etc/hosts alone."""
    assert verdicts("192.0.2.1", "self-signed")[f"DNS: {API}"] == "warning"


def test_a_dead_ipv6_address_is_told(closed_port: int) -> None:
    """An AAAA record nobody answers at is worse than none."""
    with name_server({(NAME, "AAAA"): ["::1"]}) as server:
        site = Site(NAME, NAME, https_port=closed_port, nameservers=(server,))
        checks = names.check(Visit(site))
    assert [check.verdict for check in checks if check.name == "IPv6 answers"] == ["warning"]
