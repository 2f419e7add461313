"""Host keys: how they are shown, where they are kept, which of them count for a host, and how one is pinned."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paramiko import HostKeys, PKey, RejectPolicy, SSHClient
from paramiko.hostkeys import HostKeyEntry

SYSTEM_FILES = (
    "~/.ssh/known_hosts",
    "~/.ssh/known_hosts2",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
)
"""ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile."""


class UnknownHostKey(Exception):
    """No known_hosts file has this key."""

    def __init__(self, key: PKey) -> None:
        super().__init__(fingerprint(key))
        self.key = key


class Reject(RejectPolicy):
    """As paramiko's own, and keeps hold of the key, to show it."""

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:  # type: ignore[override]
        raise UnknownHostKey(key)


@dataclass(frozen=True)
class HostKey:
    """What a host presents. `name` is its form in known_hosts, `kind` as ssh-keygen names it: "ED25519"."""

    name: str
    kind: str
    bits: int
    fingerprint: str
    known_hosts_line: str

    def __str__(self) -> str:
        """As `ssh-keygen -lf` prints it."""
        return f"{self.bits} {self.fingerprint} {self.name} ({self.kind})"


def host_key(name: str, key: PKey) -> HostKey:
    line = f"{name} {key.get_name()} {key.get_base64()}"
    return HostKey(name, kind(key), key.get_bits(), fingerprint(key), line)


def fingerprint(key: PKey) -> str:
    """ "SHA256:…" as OpenSSH shows it."""
    return str(key.fingerprint)


def kind(key: PKey) -> str:
    return str(key.algorithm_name)


def known_keys(name: str, own: Path) -> HostKeys:
    """The keys that count for a host: those of the inventory's own file, only where it has none the system's.

    A pinned key thus wins over a stale line elsewhere. Keys marked @revoked in any file are left out.
    """
    files = [Path(file).expanduser() for file in SYSTEM_FILES]
    revoked = {entry.key.asbytes() for file in (own, *files) for entry in _entries(file, revoked=True)}
    for group in ([own], files):
        found = HostKeys()
        for entry in _naming(name, group):
            if entry.key.asbytes() not in revoked:
                found.add(name, entry.key.get_name(), entry.key)
        if len(found):
            return found
    return HostKeys()


def _naming(name: str, files: list[Path]) -> Iterator[HostKeyEntry]:
    return (entry for file in files for entry in _entries(file) if names(entry, name))


def names(entry: HostKeyEntry, name: str) -> bool:
    """Whether a line names this host, plainly or hashed."""
    return any(known == name or _is_hash_of(known, name) for known in entry.hostnames)


def entry_of(line: str) -> HostKeyEntry | None:
    """One line of known_hosts; None for comments, markers, and what cannot be read."""
    if not line.strip() or line.lstrip().startswith(("#", "@")):
        return None
    with suppress(Exception):  # a broken line, even in the user's own file, must not stop a run
        return HostKeyEntry.from_line(" ".join(line.split()))
    return None


def _entries(file: Path, *, revoked: bool = False) -> Iterator[HostKeyEntry]:
    with suppress(OSError):
        for line in file.read_text(errors="replace").splitlines():
            marker, _, rest = line.strip().partition(" ")
            text = rest if marker == "@revoked" else line
            entry = entry_of(text) if revoked == (marker == "@revoked") else None
            if entry is not None:
                yield entry


def _is_hash_of(known: str, name: str) -> bool:
    with suppress(Exception):
        return known.startswith("|1|") and HostKeys.hash_host(name, known) == known
    return False


def is_pinned(known_hosts: Path, key: HostKey) -> bool:
    """Whether exactly this key counts for its host already, from this file or the system's."""
    known = known_keys(key.name, known_hosts).lookup(key.name)
    return known is not None and any(host_key(key.name, one) == key for one in known.values())


def pin(known_hosts: Path, key: HostKey) -> None:
    """Make this the one key of its host; other hosts' lines stay. Written to a staging file and renamed, mode 0644."""
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    old = known_hosts.read_text() if known_hosts.exists() else ""
    kept = [line for line in old.splitlines() if not _names_host(line, key.name)]
    _replace(known_hosts, "\n".join([*kept, key.known_hosts_line, ""]))


def _names_host(line: str, name: str) -> bool:
    entry = entry_of(line)
    return entry is not None and names(entry, name)


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as staging:
        try:
            staging.write(text)
            staging.flush()
            os.fchmod(staging.fileno(), 0o644)
            os.fsync(staging.fileno())
            Path(staging.name).rename(path)
        except BaseException:
            Path(staging.name).unlink(missing_ok=True)
            raise
