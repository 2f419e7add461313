"""Who holds the lock: for the one who finds it held, and for the audit log."""

import getpass
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True)
class Holder:
    """`since` is in UTC, ISO 8601."""

    who: str
    command: str
    since: str

    @classmethod
    def here(cls, command: str) -> Self:
        """This person on this machine, from now on."""
        return cls(f"{getpass.getuser()}@{platform.node()}", command, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
