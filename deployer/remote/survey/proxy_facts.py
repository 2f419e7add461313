"""What the running proxy has read of its files."""

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from deployer.remote.docker_api import label
from deployer.remote.service_names import PROXY
from deployer.remote.survey.surveyed import Surveyed

CONFIGURATION, CERTIFICATE = ("nginx.conf", "conf.d"), ("ssl",)


def loaded(host: Surveyed, words: Sequence[str]) -> str:
    """`loaded`: of configuration and certificate whether it has read what is on disk; empty where none runs.

    A line NAME=STATE each, `loaded` or `stale`. What was changed (ctime) after the container's start and after the last
    reload has not been read.
    """
    started = _started(host)
    if started is None:
        return ""
    read = max(started, _modified(host.config.state / "proxy.loaded"))
    kinds = {"configuration": CONFIGURATION, "certificate": CERTIFICATE}
    states = {kind: _changed(host.config.nginx, names) > read for kind, names in kinds.items()}
    return "\n".join(f"{kind}={'stale' if is_stale else 'loaded'}" for kind, is_stale in states.items())


def _started(host: Surveyed) -> float | None:
    """When the proxy that runs was started, in seconds since the epoch."""
    for item in host.api.of_project(host.config.name):
        if label(item, "com.docker.compose.service") == PROXY and item.get("State") == "running":
            found = host.api.container(str(item["Id"]))
            state = found.get("State") if found else None
            if isinstance(state, dict):
                return _seconds(str(state["StartedAt"]))
    return None


def _seconds(text: str) -> float:
    """Of Docker's time: 2025-10-12T03:15:00.123456789Z."""
    whole, fraction = text[:19], text[19:].rstrip("Z")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(fraction or 0)


def _modified(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _changed(directory: Path, names: Sequence[str]) -> float:
    """The time of the latest change of a regular file in these places."""
    return max((found.st_ctime for name in names for found in _files(directory / name)), default=0.0)


def _files(path: Path) -> Iterator[os.stat_result]:
    """The regular files at a path and below it; links are not followed."""
    if not os.path.lexists(path):
        return
    found = path.lstat()
    if stat.S_ISREG(found.st_mode):
        yield found
    elif stat.S_ISDIR(found.st_mode):
        for entry in path.iterdir():
            yield from _files(entry)
