"""How the files on the host differ from those of a backup, with nothing written."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress

from deployer.remote import output
from deployer.remote.backup import catalogue
from deployer.remote.backup.attributes import with_attributes
from deployer.remote.backup.manifest import digest_of_handle
from deployer.remote.backup.tar import Entry
from deployer.remote.backup.tree import DIRECTORY, FILE, Found, walk
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.restore.listed import Listed, digest
from deployer.remote.restore.wanted import Wanted

APPEARS, DISAPPEARS, CHANGES = "appears", "disappears", "changes"


def compare(host: Host, wanted: Wanted) -> None:
    """Print a line of JSON for each path that a restore would change. Raises Failure for an incomplete backup."""
    backup = catalogue.look_at(host.config.backups, wanted.backup)
    if backup.problem:
        raise Failure(f"{backup.id} is incomplete: {backup.problem}")
    items = wanted.items(host)
    there, here = Listed(host.config.backups / wanted.backup, items).digests, {}
    for found in (one for item in items for one in walk(item, lambda path, why: None)):
        with suppress(OSError):  # the application removes files meanwhile
            here[found.path] = digest(_entry(found))
    for path, what in _differences(here, there):
        output.say(json.dumps({"what": what, "path": path}))


def _differences(here: dict[str, bytes], there: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            yield path, APPEARS if path not in here else DISAPPEARS if path not in there else CHANGES


def _entry(found: Found) -> dict[str, object]:
    entry = Entry.of(found.path, found.state)
    if found.kind == DIRECTORY:
        return with_attributes(entry, found.handle).listed()
    if found.kind != FILE:
        return {**entry.listed(), "target": found.target}
    handle = found.open()
    try:
        return with_attributes(entry, handle).listed(digest_of_handle(handle))
    finally:
        os.close(handle)
