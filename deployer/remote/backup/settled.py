"""The parts `config` and `ssl`: what changes only under the lock of the host, which a backup holds.

They are read, compared with what is there afterwards, and read once more where something else has changed them.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from deployer.remote.backup import sizes
from deployer.remote.backup.archive import archiving, check_written
from deployer.remote.backup.files_alone import FilesAlone
from deployer.remote.backup.making import Counted, Making, existing
from deployer.remote.backup.tree import Found, Item, kind_and_size, signature, walk
from deployer.remote.failure import Failure
from deployer.remote.host import Host

TRIES = 3
CERTBOT = Path("/etc")
"""Where certbot has its directory."""
STATE = ("releases.jsonl", "releases", "backend.user", "audit.jsonl")
"""Below the directory of the tool."""


class Settled(FilesAlone):
    """Files and directories of root's."""

    def __init__(self, host: Host, name: str, items: tuple[Item, ...]) -> None:
        self._host, self._name, self.items = host, name, items

    @property
    def name(self) -> str:
        return self._name

    def contents(self) -> tuple[str, ...]:
        return existing(self.items)

    def check(self) -> bool:
        return False

    def measure(self) -> int:
        return sizes.held(self.items)

    def read(self, making: Making) -> None:
        """Nothing: it is read afterwards."""

    def freeze(self, making: Making) -> None:
        """Nothing: the application does not write it."""

    def finish(self, making: Making) -> None:
        """Raises Failure where it does not stay as it is for long enough."""
        for _ in range(TRIES):
            if self._is_written(making):
                making.after.append(check_written(making.archive(self.name), making.stack))
                return
        raise Failure(f"the part {self.name} was changed {TRIES} times while it was read: run the backup again")

    def _is_written(self, making: Making) -> bool:
        """Whether it is now as it was when it was read."""
        signed: dict[str, bytes] = {}
        with (making.work / self.name).open("w+") as lines, ExitStack() as stack:
            archive = stack.enter_context(archiving(making.archive(self.name), lines, offsite=making.offsite))
            for found in self._found(making):
                if state := archive.add(found):
                    signed[found.path] = signature(state)
            archive.close()
            if {found.path: signature(found.state) for found in self._found(making)} != signed:
                return False
            lines.seek(0)
            self._list(making, signed, lines)
        return True

    def _list(self, making: Making, signed: dict[str, bytes], lines: IO[str]) -> None:
        counted = making.counts.setdefault(self.name, Counted())
        for one in signed.values():
            counted.add(*kind_and_size(one))
        with making.listing.open("a") as listing:
            listing.writelines(lines)

    def _found(self, making: Making) -> Iterator[Found]:
        for item in self.items:
            yield from walk(item, making.omit)


def configuration(host: Host) -> Settled:
    """.env, compose file, proxy, releases, the audit log."""
    root, name = host.config.root_directory, host.config.name
    paths = (
        *(".env", "docker-compose.yml", "nginx/nginx.conf", f"nginx/conf.d/{name}.conf", "nginx/assets"),
        *(f".deployer/{state}" for state in STATE),
    )
    return Settled(host, "config", tuple(Item(root, path) for path in paths))


def certificates(host: Host) -> Settled:
    """The certificate with its key, and the account at the authority."""
    root, domain = host.config.root_directory, host.config.certificate.names[0]
    of_certbot = (f"{kind}/{domain}" for kind in ("live", "archive"))
    paths = ("accounts", *of_certbot, f"renewal/{domain}.conf")
    return Settled(
        host,
        "ssl",
        (
            *(Item(root, path) for path in ("nginx/ssl", ".deployer/tls")),
            *(Item(CERTBOT, f"letsencrypt/{path}") for path in paths),
        ),
    )
