"""For `deployer trust`: fetch the key that a host presents, and pin it in the inventory's known_hosts."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deployer.transport.host_keys import HostKey, entry_of, host_key, known_keys, names
from deployer.transport.settings import SshSettings
from deployer.transport.strict import StrictConnection, connection

__all__ = ["HostKey", "fetch_host_key", "fetch_host_keys", "is_pinned", "pin"]


def fetch_host_key(settings: SshSettings) -> HostKey:
    """The key of the host itself, without logging in; its gateway must be known. Raises ConnectionFailed."""
    return connection(settings).present_key()


def fetch_host_keys(settings: SshSettings) -> Iterator[HostKey]:
    """The keys of every hop, gateways first: pin each before asking for the next, reached through it."""
    for hop in _hops(connection(settings)):
        yield hop.present_key()


def is_pinned(known_hosts: Path, key: HostKey) -> bool:
    """Whether exactly this key counts for its host already, from this file or the system's."""
    known = known_keys(key.name, known_hosts).lookup(key.name)
    return known is not None and any(host_key(key.name, one) == key for one in known.values())


def pin(known_hosts: Path, key: HostKey) -> None:
    """Make this the one key of its host; other hosts' lines stay. Written beside and renamed, mode 0644."""
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    old = known_hosts.read_text() if known_hosts.exists() else ""
    kept = [line for line in old.splitlines() if not _speaks_of(line, key.name)]
    _replace(known_hosts, "\n".join([*kept, key.known_hosts_line, ""]))


def _hops(last: StrictConnection) -> Iterator[StrictConnection]:
    if isinstance(last.gateway, StrictConnection):
        yield from _hops(last.gateway)
    yield last


def _speaks_of(line: str, name: str) -> bool:
    entry = entry_of(line)
    return entry is not None and names(entry, name)


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as beside:
        try:
            beside.write(text)
            beside.flush()
            os.fchmod(beside.fileno(), 0o644)
            os.fsync(beside.fileno())
            Path(beside.name).rename(path)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise
