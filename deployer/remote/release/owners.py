"""Who owns logs/ and data/: the user of the backend's image, as its own configuration says or its passwd resolves."""

import os
import re
from pathlib import Path

from deployer.remote import files
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.image_files import colon_fields, container_of
from deployer.remote.release.running import succeeded

LAST = 50
"""Images that are remembered."""
MODE = 0o644
NUMBERS = re.compile(r"(\d+):(\d+)")


def memory(host: Host) -> Path:
    """For each image of the backend, by its id, who must own the directories: lines of ID UID:GID."""
    return host.config.state / "backend.user"


def give_directories(host: Host, image: str, *, ask: bool = True) -> None:
    """Make the image's user the owner. What is not known of the image is found out with `ask`, else left as it is."""
    identity = succeeded(host.docker("image", "inspect", "--format={{.Id}}", image)).text.strip()
    known = dict(line.split(" ", 1) for line in files.read(memory(host)).decode().splitlines() if " " in line)
    user = known.get(identity) or (_user_of(host, image) if ask else "")
    if not user:
        return
    _give(host, user)
    if identity not in known:
        lines = [*(f"{key} {value}" for key, value in known.items()), f"{identity} {user}"][-LAST:]
        files.write(memory(host), ("\n".join(lines) + "\n").encode(), MODE)


def _give(host: Host, user: str) -> None:
    uid, gid = map(int, user.split(":"))
    for name in ("logs", "data"):
        handle = os.open(host.config.root_directory / name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fchown(handle, uid, gid)
        finally:
            os.close(handle)


def _user_of(host: Host, image: str) -> str:
    """UID:GID. A name is looked up in the image's own files: nothing of the image is run. Raises Failure."""
    given = succeeded(host.docker("image", "inspect", "--format={{.Config.User}}", image)).text.strip() or "0:0"
    name, _, group = given.partition(":")
    if NUMBERS.fullmatch(given):
        return given
    with container_of(host, image, "none") as container:
        passwd, groups = (colon_fields(host, container, path) for path in ("/etc/passwd", "/etc/group"))
    entry = next((fields for fields in passwd if name in (fields[0], fields[2])), [name, "", name, "0"])
    gid = next((fields[2] for fields in groups if group in (fields[0], fields[2])), group) if group else entry[3]
    if not NUMBERS.fullmatch(f"{entry[2]}:{gid}"):
        raise Failure(f"{image} runs as {given}, whom its /etc/passwd does not have")
    return f"{entry[2]}:{gid}"
