"""The version of PostgreSQL that an image has, and the one whose data the host has."""

import json
import os
import re
from collections.abc import Iterable

from deployer.remote import handles
from deployer.remote.failure import Failure
from deployer.remote.host import Host

VARIABLE = "PG_MAJOR="
"""Official images have it in their environment."""
VERSION = re.compile(r"\d+(?:\.\d+)?")
LONGEST = 16
"""Bytes that are read of a file which the server's container can write."""


def version_of_data(host: Host) -> str:
    """The major version; empty where there are no data. Raises Failure where a link, or no version, is in its place."""
    directory = host.config.database
    try:
        handle = handles.open_file(directory, "PG_VERSION")
    except FileNotFoundError:
        return ""
    try:
        found = os.read(handle, LONGEST).decode(errors="replace").strip()
    finally:
        os.close(handle)
    if not VERSION.fullmatch(found):
        raise Failure(f"{directory}/PG_VERSION is damaged: it holds no version of PostgreSQL")
    return found


def version_of_image(host: Host, image: str) -> str | None:
    """The major version, empty for an image that names none; None where the host has no such image. Raises Failure."""
    result = host.docker("image", "inspect", image)
    if result.succeeded:
        return _named(json.loads(result.output)[0]["Config"].get("Env") or ())
    if "no such image" in result.last_lines.lower():
        return None
    raise Failure(result.last_lines)


def _named(environment: Iterable[str]) -> str:
    return next((entry.removeprefix(VARIABLE) for entry in environment if entry.startswith(VARIABLE)), "")


def check_readable(host: Host, image: str) -> None:
    """Raises Failure where this image cannot read the data. Plans are made before an image is pulled."""
    has, reads = version_of_data(host), version_of_image(host, image)
    if has and reads and has != reads:
        raise Failure(
            f"{host.config.database} holds data of PostgreSQL {has}, "
            f"and {image} is PostgreSQL {reads}, which cannot read them"
        )
