"""releases.jsonl: a line for each release that was deployed, restored or refused."""

import json
from collections.abc import Iterator
from pathlib import Path

from deployer.remote import files, output
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.lock import owner_of_run
from deployer.remote.release.target import Target

SERVES = ("deployed", "restored")
MODE = 0o644
LONGEST = 200
IMAGE = "{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}"
"""A pulled image is identified by its digest."""


def path(host: Host) -> Path:
    return host.config.state / "releases.jsonl"


def lines(host: Host) -> Iterator[dict[str, object]]:
    """The records that can be read, oldest first."""
    for line in files.read(path(host)).decode(errors="replace").splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def current(host: Host) -> str:
    """The id of the release that serves: the last that was deployed or restored; empty where there is none."""
    ids = [str(line.get("id", "")) for line in lines(host) if line.get("result") in SERVES]
    return ids[-1] if ids else ""


def new_id(target: Target) -> str:
    return f"{output.now().translate(str.maketrans('T', '_', '-:Z'))}-{target.commit[:7]}"


def record_failure(host: Host, target: Target, why: str) -> None:
    """A release that did not get to serve. It is reported where even that cannot be written."""
    try:
        append(host, target, new_id(target), "failed", why)
    except Failure as failure:
        output.say(str(failure))


def append(host: Host, target: Target, release: str, result: str, why: str = "") -> None:
    """Add a line."""
    files.append_line(path(host), line(host, target, release, result, why), MODE)


def line(host: Host, target: Target, release: str, result: str, why: str = "") -> bytes:
    """One line of the log."""
    record = {
        "id": release,
        "time": output.now(),
        "ref": target.ref[:LONGEST],
        "commit": target.commit,
        "configuration": target.configuration,
        "result": result,
        "who": owner_of_run(host.config),
        "why": why[:LONGEST],
        "images": {service.name: _identity(host, service.image) for service in target.services},
        "tags": {service.name: service.image for service in target.services},
    }
    return json.dumps(record).encode() + b"\n"


def _identity(host: Host, image: str) -> str:
    return host.docker("image", "inspect", f"--format={IMAGE}", image).text.strip()
