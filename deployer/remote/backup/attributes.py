"""Extended attributes and access control lists of a file, as an archive holds them."""

import os
import struct
from contextlib import suppress
from dataclasses import replace

from deployer.remote.backup.tar import Entry

LEFT_OUT = ("system.", "security.")
"""The file system's own; and capabilities, which give a program rights as setuid does."""
ACLS = {"system.posix_acl_access": "access", "system.posix_acl_default": "default"}
TAGS = {1: "user", 2: "user", 4: "group", 8: "group", 16: "mask", 32: "other"}
NAMED = (2, 8)
"""The tags of entries that name a user or a group by its number."""


def with_attributes(entry: Entry, handle: int) -> Entry:
    """The entry with those of the open file or directory."""
    found: dict[str, bytes] = {}
    with suppress(OSError):  # the file system has none, or the application has just removed one
        found = {name: os.getxattr(handle, name) for name in sorted(os.listxattr(handle))}
    if not found:
        return entry
    kept = {name: value for name, value in found.items() if is_kept(name)}
    return replace(entry, attributes=kept, acls={ACLS[name]: acl_text(found[name]) for name in found if name in ACLS})


def is_kept(name: str) -> bool:
    """tar and Python's tarfile do not agree on names with these characters."""
    return not name.startswith(LEFT_OUT) and not {"=", "%"} & set(name)


def acl_text(packed: bytes) -> bytes:
    """As getfacl prints it, with numbers for users and groups."""
    lines = (_acl_line(*fields) for fields in struct.iter_unpack("<HHI", packed[4:]))
    return "\n".join(lines).encode() + b"\n"


def _acl_line(tag: int, permissions: int, number: int) -> str:
    letters = "".join(letter if permissions & bit else "-" for letter, bit in zip("rwx", (4, 2, 1), strict=True))
    return f"{TAGS[tag]}:{number if tag in NAMED else ''}:{letters}"
