"""What the wallet's page loads: there, of the right type, compressed, cached by hash, without source maps."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployer.verify.answers import Answer, Reply, Request, ask_all
from deployer.verify.checks import Check, failed, judged, passed, warned
from deployer.verify.page import is_hashed, loaded_by, scripts_named_in
from deployer.verify.target import Site

MOST = 16  # assets, and later as many chunks, that are looked at
SCRIPT_BYTES = 24 << 20  # of one script, decompressed
MISSING = "missing.0123456789abcdef0123.js"

_TYPES = {
    ".js": {"text/javascript", "application/javascript"},
    ".mjs": {"text/javascript", "application/javascript"},
    ".css": {"text/css"},
    ".json": {"application/json"},
    ".svg": {"image/svg+xml"},
    ".wasm": {"application/wasm"},
    ".woff2": {"font/woff2", "application/font-woff2"},
}
_MAP_NAME = re.compile(rb"[#@]\s*sourceMappingURL=(\S+)")
_CACHE = "immutable belongs to hashed names only: deployer provision writes the proxy's configuration"
_BUILT = "the address is a build-time variable (wallet.api_url_variable): deployer update builds the wallet anew"


@dataclass(frozen=True)
class Assets:
    """What came of a page: its assets, their source maps, a name that cannot exist, and later chunks."""

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
    first["missing"] = Request(site.domain, _beside(paths, MISSING), bound=4096)
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


def check(site: Site, index: Answer, assets: Assets) -> tuple[Check, ...]:
    """Judge what `look` saw."""
    return (
        _load(assets),
        _kept(assets),
        _missing(assets.missing),
        _maps(assets),
        _api_address(site, index, assets),
        _compressed(index, assets),
    )


def _beside(paths: tuple[str, ...], name: str) -> str:
    """The name in the directory where the page's own assets are."""
    return posixpath.join(posixpath.dirname(urlsplit(paths[0]).path) if paths else "/", name)


def _map_paths(loaded: Mapping[str, Reply]) -> tuple[str, ...]:
    """Where the source maps of scripts and styles would be: as the file says, else beside it."""
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
    if _holds(site, index, loaded):
        return {}
    named = [
        path
        for asset, reply in [*loaded.items(), *(("/", reply) for reply in workers)]
        if isinstance(reply, Answer) and reply.status == 200
        for path in scripts_named_in(reply.body, urlsplit(asset).path)
        if path not in loaded
    ]
    return {path: Request(site.domain, path, bound=SCRIPT_BYTES) for path in dict.fromkeys(named[: 2 * MOST])}


def _holds(site: Site, index: Reply, *groups: Mapping[str, Reply]) -> bool:
    replies = [index, *(reply for group in groups for reply in group.values())]
    wanted = site.api_domain.encode()
    return any(isinstance(reply, Answer) and wanted in reply.body for reply in replies)


def _load(assets: Assets) -> Check:
    faults = [fault for path, reply in assets.loaded.items() for fault in _load_faults(path, reply)]
    if not assets.loaded:
        faults = ["the page loads no script or style sheet of its own: is it the wallet?"]
    more = f", {assets.left_out} more not looked at" if assets.left_out else ""
    good = f"{len(assets.loaded)} of the right type{more}"
    return judged("wallet: assets load", faults, good, "deployer logs demo-wallet; deployer logs nginx")


def _load_faults(path: str, reply: Reply) -> Iterator[str]:
    if not isinstance(reply, Answer):
        yield f"{path}: {reply.reason}"
    elif reply.status != 200:
        yield f"{path}: {reply.status}"
    elif not _right_type(path, reply.content_type):
        yield f"{path}: {reply.content_type or 'no type'}"


def _right_type(path: str, content_type: str) -> bool:
    wanted = _TYPES.get(posixpath.splitext(urlsplit(path).path)[1].lower())
    return content_type in wanted if wanted else content_type not in {"", "text/html"}


def _kept(assets: Assets) -> Check:
    """Unhashed and immutable is wrong for a year; hashed and not immutable only costs a question."""
    title = "wallet: assets cached by their hash"
    served = {path: reply for path, reply in assets.loaded.items() if isinstance(reply, Answer)}
    immutable = {path for path, reply in served.items() if "immutable" in reply.value("Cache-Control").lower()}
    wrong = [f"{path} is immutable without a hash" for path in immutable if is_hashed(path) is False]
    if wrong:
        return failed(title, "; ".join(sorted(wrong)), _CACHE)
    asked = [path for path in served if is_hashed(path) and path not in immutable]
    if asked:
        return warned(title, f"not immutable: {', '.join(asked)}", _CACHE)
    return passed(title, f"immutable: {len(immutable)} of {len(served)}")


def _missing(reply: Reply) -> Check:
    title = "wallet: a missing asset is 404"
    if isinstance(reply, Answer) and reply.status in {404, 410}:
        return passed(title, str(reply.status))
    seen = f"{reply.status} {reply.content_type}" if isinstance(reply, Answer) else reply.reason
    return failed(title, seen, "a page instead of a script breaks the wallet silently: deployer provision")


def _maps(assets: Assets) -> Check:
    served = [f"{path} is served" for path, reply in assets.maps.items() if _is_served(reply)]
    inline = [f"{path} holds one" for path, reply in assets.loaded.items() if _is_inline(reply)]
    remedy = "source maps publish the wallet's sources: the proxy refuses *.map, deployer provision writes it"
    return judged("wallet: no source maps", [*served, *inline], f"{len(assets.maps)} asked for, none there", remedy)


def _is_served(reply: Reply) -> bool:
    return isinstance(reply, Answer) and reply.status == 200


def _is_inline(reply: Reply) -> bool:
    return isinstance(reply, Answer) and b"sourceMappingURL=data:" in reply.body


def _api_address(site: Site, index: Answer, assets: Assets) -> Check:
    title = "wallet: knows the API's address"
    read = len(assets.loaded) + len(assets.later)
    if _holds(site, index, assets.loaded, assets.later):
        return passed(title, f"{site.api_domain} stands in the built wallet")
    evidence = f"{site.api_domain} stands in none of {read} files"
    if assets.left_out or len(assets.later) >= 2 * MOST:
        return warned(title, f"{evidence}; there are more", _BUILT)
    return failed(title, evidence, _BUILT)


def _compressed(index: Answer, assets: Assets) -> Check:
    """Everything is asked for with Accept-Encoding: gzip; text of some size must come so."""
    texts = {path: reply for path, reply in assets.loaded.items() if path.endswith((".js", ".mjs", ".css"))}
    faults = [
        f"{path} came plain ({len(reply.body)} bytes)"
        for path, reply in {"/": index, **texts}.items()
        if isinstance(reply, Answer) and len(reply.body) > 1024 and not _is_packed(reply)
    ]
    return judged("compression", faults, "text comes compressed", "gzip on; with gzip_types and gzip_proxied any")


def _is_packed(answer: Answer) -> bool:
    return answer.value("Content-Encoding").lower() in {"gzip", "br", "zstd", "deflate"}
