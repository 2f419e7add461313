"""What the wallet's page loads: its assets, their source maps, a missing name, and the chunks loaded later."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployer.verify.answers import Answer, Reply, Request, ask_all
from deployer.verify.page import loaded_by, scripts_named_in
from deployer.verify.target import Site

MOST = 16
"""Assets, and later as many chunks, that are requested."""

SCRIPT_BYTES = 24 << 20
"""Of one script, decompressed."""

MISSING = "missing.0123456789abcdef0123.js"

_MAP_NAME = re.compile(rb"[#@]\s*sourceMappingURL=(\S+)")


@dataclass(frozen=True)
class Assets:
    """The replies for a page's assets, their source maps, a name that does not exist, and later chunks."""

    loaded: Mapping[str, Reply]
    maps: Mapping[str, Reply]
    missing: Reply
    later: Mapping[str, Reply]
    left_out: int


def look(site: Site, index: Answer, workers: tuple[Reply, ...], *, limit: float = 8.0, verified: bool = True) -> Assets:
    """Ask for all of them, in two rounds of at most `limit` seconds each."""
    named = loaded_by(index.body, f"https://{site.domain}/")
    paths = named[:MOST]
    first = {path: Request(site.domain, path, bound=SCRIPT_BYTES) for path in paths}
    first["missing"] = Request(site.domain, _same_directory(paths, MISSING), bound=4096)
    loaded = ask_all(site, first, limit=limit, verified=verified)
    missing = loaded.pop("missing")
    maps = {path: Request(site.domain, path, bound=4096) for path in _map_paths(loaded)}
    chunks = _chunks(site, index, loaded, workers)
    second = ask_all(site, maps | chunks, limit=limit, verified=verified)
    return Assets(
        loaded=loaded,
        maps={path: second[path] for path in maps},
        missing=missing,
        later={path: second[path] for path in chunks},
        left_out=len(named) - len(paths),
    )


def _same_directory(paths: tuple[str, ...], name: str) -> str:
    """The name in the directory where the page's own assets are."""
    return posixpath.join(posixpath.dirname(urlsplit(paths[0]).path) if paths else "/", name)


def _map_paths(loaded: Mapping[str, Reply]) -> tuple[str, ...]:
    """Where the source maps of scripts and styles would be: as the file says, else next to it."""
    return tuple(dict.fromkeys(path for asset, reply in loaded.items() for path in _maps_of(asset, reply)))


def _maps_of(asset: str, reply: Reply) -> Iterator[str]:
    path = urlsplit(asset).path
    if path.endswith((".js", ".mjs", ".css")):
        yield path + ".map"
    for name in _MAP_NAME.findall(reply.body[-2048:]) if isinstance(reply, Answer) else ():
        if not name.startswith((b"data:", b"http")):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(path), name.decode("ascii", "ignore")))


def _chunks(site: Site, index: Answer, loaded: Mapping[str, Reply], workers: tuple[Reply, ...]) -> dict[str, Request]:
    """Scripts that scripts and service workers name; none where the API's address was found already."""
    if names_the_api(site, index, loaded):
        return {}
    named = [
        path
        for asset, reply in [*loaded.items(), *(("/", reply) for reply in workers)]
        if isinstance(reply, Answer) and reply.status == 200
        for path in scripts_named_in(reply.body, urlsplit(asset).path)
        if path not in loaded
    ]
    return {path: Request(site.domain, path, bound=SCRIPT_BYTES) for path in dict.fromkeys(named[: 2 * MOST])}


def names_the_api(site: Site, index: Reply, *groups: Mapping[str, Reply]) -> bool:
    """Whether the API's domain is in the page or in one of these files."""
    replies = [index, *(reply for group in groups for reply in group.values())]
    wanted = site.api_domain.encode()
    return any(isinstance(reply, Answer) and wanted in reply.body for reply in replies)
