"""`trust` pins a key when somebody vouches for it, and replaces one only knowingly."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from paramiko import PKey

from deployer.access import host_key_trust
from deployer.commands import trust
from deployer.errors import ConnectionFailed, UsageError
from deployer.transport.host_keys import HostKey, host_key, pin
from deployer.transport.settings import SshSettings

from .fakes import FakeTransport, Kept, Value, choices, inventory, run_on

_BLOBS = {
    "first": "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    "other": "AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/",
}


def key(which: str, name: str = "192.0.2.1") -> HostKey:
    return host_key(name, PKey.from_type_string("ssh-ed25519", base64.b64decode(_BLOBS[which])))


FIRST, OTHER = key("first"), key("other")


@pytest.fixture
def presented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[HostKey]:
    """The keys of the hops, as the network would show them; nobody's own known_hosts counts."""
    keys: list[HostKey] = [FIRST]

    def fetch(settings: SshSettings) -> Iterator[HostKey]:
        yield from keys

    monkeypatch.setattr("deployer.access.host_key_trust.fetch_host_keys", fetch)
    monkeypatch.setattr("deployer.transport.host_keys.SYSTEM_FILES", ())
    return keys


def run(directory: Path, **chosen: Value) -> tuple[int, Kept]:
    host = inventory(directory)
    made, kept = run_on(host, FakeTransport(), choices(**chosen))
    return trust._trust(made), kept


def pinned(directory: Path) -> str:
    file = directory / "known_hosts"
    return file.read_text() if file.exists() else ""


def test_nobody_there_to_say_yes(presented: list[HostKey], tmp_path: Path) -> None:
    """Exit 2, and how to say it; nothing is pinned."""
    with pytest.raises(UsageError) as raised:
        run(tmp_path)
    assert f"--fingerprint {FIRST.fingerprint}" in raised.value.remedy
    assert pinned(tmp_path) == ""


@pytest.mark.parametrize("chosen", [{"yes": True}, {"fingerprint": FIRST.fingerprint}])
def test_it_is_pinned_and_then_known(presented: list[HostKey], tmp_path: Path, chosen: dict[str, Value]) -> None:
    """By --yes or by its fingerprint; the second time there is nothing to do."""
    assert [step.verdict for step in run(tmp_path, **chosen)[1].steps] == ["changed"]
    assert FIRST.known_hosts_line in pinned(tmp_path)
    assert [step.verdict for step in run(tmp_path)[1].steps] == ["unchanged"]


def test_another_fingerprint_is_refused(presented: list[HostKey], tmp_path: Path) -> None:
    """Exit 3, pinned or not."""
    for _ in range(2):
        with pytest.raises(ConnectionFailed, match="expected"):
            run(tmp_path, fingerprint=OTHER.fingerprint, yes=True)
        pin(tmp_path / "known_hosts", FIRST)


def test_a_changed_key_is_not_replaced_by_yes_alone(presented: list[HostKey], tmp_path: Path) -> None:
    """Only by its fingerprint (or a typed yes)."""
    pin(tmp_path / "known_hosts", OTHER)
    with pytest.raises(ConnectionFailed, match="CHANGED"):
        run(tmp_path, yes=True)
    assert OTHER.known_hosts_line in pinned(tmp_path)
    run(tmp_path, fingerprint=FIRST.fingerprint)
    assert pinned(tmp_path).splitlines() == [FIRST.known_hosts_line]


@pytest.mark.parametrize(("typed", "kept"), [("yes", FIRST), ("y", OTHER)])
def test_a_changed_key_and_a_typed_answer(
    presented: list[HostKey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, kept: HostKey
) -> None:
    """The whole word is wanted."""
    pin(tmp_path / "known_hosts", OTHER)
    monkeypatch.setattr(host_key_trust, "can_ask", lambda _: True)
    monkeypatch.setattr(host_key_trust, "ask", lambda _: typed)
    if kept == FIRST:
        run(tmp_path)
    else:
        with pytest.raises(Exception, match="is kept"):
            run(tmp_path)
    assert kept.known_hosts_line in pinned(tmp_path)


def test_each_hop_is_vouched_for(presented: list[HostKey], tmp_path: Path) -> None:
    """With a gateway one fingerprint is not enough; both, separated by a comma, are."""
    presented.insert(0, key("other", "bastion.example.com"))
    with pytest.raises(ConnectionFailed):
        run(tmp_path, fingerprint=FIRST.fingerprint)
    run(tmp_path, fingerprint=f"{OTHER.fingerprint},{FIRST.fingerprint}")
    assert len(pinned(tmp_path).splitlines()) == 2


@pytest.mark.parametrize("wrong", ["SHA256:short", "MD5:00:11", FIRST.fingerprint.removeprefix("SHA256:")])
def test_what_is_no_fingerprint_is_a_usage_error(presented: list[HostKey], tmp_path: Path, wrong: str) -> None:
    """Exit 2 before anything is asked of the network."""
    with pytest.raises(UsageError, match="--fingerprint"):
        run(tmp_path, fingerprint=wrong)


def test_a_revoked_key_is_never_trusted(presented: list[HostKey], tmp_path: Path) -> None:
    """Pinning it would change nothing: it is said."""
    (tmp_path / "known_hosts").write_text(f"@revoked {replace(FIRST, name='*').known_hosts_line}\n")
    with pytest.raises(Exception, match="@revoked"):
        run(tmp_path, yes=True)
