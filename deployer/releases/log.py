"""The host's log of releases: what was deployed when, by whom, from which commit, and with which result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVING = ("deployed", "restored")
"""Results after which the release of that line is the serving one."""


@dataclass(frozen=True)
class Release:
    """One line of releases.jsonl. `images` are ids (digests), `tags` the names they have, both by service."""

    id: str
    time: str
    ref: str
    commit: str
    configuration: str
    result: str
    who: str = ""
    why: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def parse(log: str) -> tuple[Release, ...]:
    """The lines of the log, oldest first; an incomplete one (after a power failure, say) is left out."""
    return tuple(release for line in log.splitlines() if (release := _parsed(line)))


def current(log: tuple[Release, ...]) -> Release | None:
    """The serving one: the last that was deployed or restored."""
    return next((release for release in reversed(log) if release.result in SERVING), None)


def succeeded(log: tuple[Release, ...]) -> tuple[Release, ...]:
    """Each release that ever served, once, as last recorded; in the order in which they last served."""
    by_id: dict[str, Release] = {}
    for release in log:
        if release.result in SERVING:
            by_id.pop(release.id, None)
            by_id[release.id] = release
    return tuple(by_id.values())


def _parsed(line: str) -> Release | None:
    try:
        record = json.loads(line)
        known = {name: record[name] for name in Release.__dataclass_fields__ if name in record}
        return Release(**known) if all(map(_is_of_its_type, known, known.values())) else None
    except (ValueError, TypeError):
        return None


def _is_of_its_type(name: str, value: object) -> bool:
    return isinstance(value, dict if name in ("images", "tags") else str)


def previous(log: tuple[Release, ...]) -> Release | None:
    """The one that served before the current one was deployed; never one that was rolled back from."""
    served: list[Release] = []
    for release in log:
        if release.result == "restored" and any(former.id == release.id for former in served):
            while served[-1].id != release.id:
                served.pop()
        elif release.result in SERVING:
            served.append(release)
    return served[-2] if len(served) > 1 else None
