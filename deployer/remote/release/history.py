"""`releases repair`: the log of releases, rebuilt where lines are damaged or a release has none.

Each release has a directory of its own, which says what it is. So a log that lacks one is completed from there, lines
that cannot be read are left out, and the log as it was found is kept as releases.jsonl.damaged.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from deployer.remote import files, output
from deployer.remote.docker import BACKEND, running
from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host
from deployer.remote.process import run
from deployer.remote.release.log import SERVES

RESULTS = (*SERVES, "failed")
TEXTS = ("id", "time", "ref", "commit", "configuration", "result", "who", "why")
MAPPINGS = ("images", "tags")
ID = re.compile(r"(\d{8}_\d{6})-[0-9a-f]*")
COLUMN_OF_IMAGE = 5
"""In a line of `services`: see releases/scripts/containers.sh."""
GIT_SECONDS = 20.0

Release = dict[str, object]


def releases(host: Host, words: Sequence[str]) -> None:
    """The only action is `repair`."""
    if list(words) != ["repair"]:
        raise NotUnderstood("usage: releases repair")
    log, kept = host.config.state / "releases.jsonl", host.config.state / "releases"
    content = files.read(log)
    lines = [line for line in content.split(b"\n") if line.strip()]
    readable = [release for line in lines if (release := parsed(line))]
    rebuilt = list(_rebuilt(host, kept, {release["id"] for release in readable if release["result"] in SERVES}))
    found = sorted((*readable, *rebuilt), key=lambda release: str(release["time"]))
    found += _serving(host, found)
    if content:
        files.write(log.with_name(f"{log.name}.damaged"), content, 0o600)
    files.write(log, b"".join(json.dumps(release).encode() + b"\n" for release in found), _mode(log))
    output.say(f"{len(lines) - len(readable)} lines could not be read; rebuilt from directories: {len(rebuilt)}")


def parsed(line: bytes) -> Release | None:
    """A release of the log; None where the line is none."""
    try:
        found = json.loads(line)
        whole = {**dict.fromkeys(TEXTS[6:], ""), **{name: {} for name in MAPPINGS}, **found}
        texts = [whole[name] for name in TEXTS]
    except (ValueError, TypeError, KeyError):
        return None
    good = all(isinstance(text, str) for text in texts) and whole["result"] in RESULTS
    good = good and all(isinstance(whole[name], dict) for name in MAPPINGS)
    return {name: whole[name] for name in (*TEXTS, *MAPPINGS)} if good else None


def _rebuilt(host: Host, kept: Path, known: set[object]) -> Iterator[Release]:
    """The releases of the directories that are not known."""
    for directory in sorted(kept.glob("*/")):
        found = ID.fullmatch(directory.name)
        services = files.read(directory / "services").decode(errors="replace")
        if found and services and directory.name not in known:
            yield parsed(files.read(directory / "release.json")) or _derived(host, directory.name, found[1], services)


def _derived(host: Host, name: str, time: str, services: str) -> Release:
    """Of a release that an older version recorded: what its name and its images say."""
    columns = [line.split(" ") for line in services.splitlines()]
    tags = {words[0]: words[COLUMN_OF_IMAGE] for words in columns if len(words) > COLUMN_OF_IMAGE}
    short = next((tag.rpartition(":")[2].partition("-")[0] for tag in tags.values()), "")
    texts = dict.fromkeys(TEXTS, "")
    return {
        **texts,
        "id": name,
        "time": datetime.strptime(time, "%Y%m%d_%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ"),  # UTC
        "commit": _commit(host, short),
        "result": "deployed",
        "why": "rebuilt from its directory",
        "images": {},
        "tags": tags,
    }


def _commit(host: Host, short: str) -> str:
    """The complete id, where the clone has the commit."""
    words = ("git", "-c", "safe.directory=*", "-C", str(host.config.source), "rev-parse", "--verify")
    asked = run(*words, "--quiet", f"{short}^{{commit}}", limit=GIT_SECONDS, apart=True)
    return asked.text.strip() if asked.succeeded else short


def _serving(host: Host, found: Sequence[Release]) -> Iterator[Release]:
    """A line for the release whose containers run, where the last one is of another commit: a rollback was lost."""
    served = [release for release in found if release["result"] in SERVES]
    commit = _running_commit(host)
    if not commit or not served or served[-1]["commit"] == commit:
        return
    for release in [release for release in served if release["commit"] == commit][-1:]:
        yield {**release, "time": output.now(), "result": "restored", "why": "rebuilt from what runs"}


def _running_commit(host: Host) -> str:
    for name in running(host.docker, host.config.name, BACKEND)[:1]:
        inspected = host.docker("inspect", "--format", "{{json .Config.Labels}}", name)
        if inspected.succeeded:
            labels = cast("Mapping[str, str]", json.loads(inspected.output) or {})
            return labels.get("deployer.commit", "")
    return ""


def _mode(log: Path) -> int:
    return stat.S_IMODE(log.lstat().st_mode) if os.path.lexists(log) else 0o644
