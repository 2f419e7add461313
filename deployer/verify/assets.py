"""What the wallet's page loads: present, of the right type, compressed, cached by hash, without source maps."""

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from deployer.verify import wallet
from deployer.verify.answers import Answer, Reply, Request
from deployer.verify.findings import Finding, Findings, failed, judged, passed, warned
from deployer.verify.loading import MOST, Assets, names_the_api
from deployer.verify.page import is_hashed
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "assets"

_TYPES = {
    ".js": {"text/javascript", "application/javascript"},
    ".mjs": {"text/javascript", "application/javascript"},
    ".css": {"text/css"},
    ".json": {"application/json"},
    ".svg": {"image/svg+xml"},
    ".wasm": {"application/wasm"},
    ".woff2": {"font/woff2", "application/font-woff2"},
}
_CACHE = "run deployer provision: only names with a hash of their content are sent as immutable"
_BUILT = "the address is a build argument (wallet.api_url_variable); run deployer update to rebuild the wallet"


def requests(site: Site) -> dict[str, Request]:
    """Those of the wallet: its page names the assets."""
    return wallet.requests(site)


def check(visit: Visit) -> Findings:
    """Nothing where there is no page, or the maintenance page."""
    index, assets = visit.replies["index"], visit.assets
    if not isinstance(index, Answer) or assets is None:
        return ()
    return (
        _load(assets),
        _cached(assets),
        _missing(assets.missing),
        _maps(assets),
        _api_address(visit.site, index, assets),
        _compressed(index, assets),
    )


def _load(assets: Assets) -> Finding:
    faults = [fault for path, reply in assets.loaded.items() for fault in _load_faults(path, reply)]
    if not assets.loaded:
        faults = ["the page loads no script or style sheet of its own: is it the wallet?"]
    more = f", {assets.left_out} more not checked" if assets.left_out else ""
    good = f"{len(assets.loaded)} of the right type{more}"
    return judged("wallet: assets load", faults, good, "run deployer logs demo-wallet, then deployer logs nginx")


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


def _cached(assets: Assets) -> Finding:
    """Unhashed and immutable is wrong for a year; hashed and not immutable costs only a revalidation."""
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


def _missing(reply: Reply) -> Finding:
    title = "wallet: a missing asset is 404"
    if isinstance(reply, Answer) and reply.status in {404, 410}:
        return passed(title, str(reply.status))
    seen = f"{reply.status} {reply.content_type}" if isinstance(reply, Answer) else reply.reason
    return failed(title, seen, "a page instead of a script breaks the wallet without an error: run deployer provision")


def _maps(assets: Assets) -> Finding:
    served = [f"{path} is served" for path, reply in assets.maps.items() if _is_served(reply)]
    inline = [f"{path} contains one" for path, reply in assets.loaded.items() if _is_inline(reply)]
    remedy = "source maps publish the wallet's source code; run deployer provision: the proxy refuses *.map"
    return judged("wallet: no source maps", [*served, *inline], f"{len(assets.maps)} requested, none found", remedy)


def _is_served(reply: Reply) -> bool:
    return isinstance(reply, Answer) and reply.status == 200


def _is_inline(reply: Reply) -> bool:
    return isinstance(reply, Answer) and b"sourceMappingURL=data:" in reply.body


def _api_address(site: Site, index: Answer, assets: Assets) -> Finding:
    title = "wallet: contains the API's address"
    read = len(assets.loaded) + len(assets.later)
    if names_the_api(site, index, assets.loaded, assets.later):
        return passed(title, f"{site.api_domain} is in the built wallet")
    evidence = f"{site.api_domain} is in none of {read} files"
    if assets.left_out or len(assets.later) >= 2 * MOST:
        return warned(title, f"{evidence}; there are more", _BUILT)
    return failed(title, evidence, _BUILT)


def _compressed(index: Answer, assets: Assets) -> Finding:
    """Every request has Accept-Encoding: gzip; text of more than 1 kB must be compressed."""
    texts = {path: reply for path, reply in assets.loaded.items() if path.endswith((".js", ".mjs", ".css"))}
    faults = [
        f"{path} is not compressed ({len(reply.body)} bytes)"
        for path, reply in {"/": index, **texts}.items()
        if isinstance(reply, Answer) and len(reply.body) > 1024 and not _is_packed(reply)
    ]
    return judged("compression", faults, "text is compressed", "run deployer provision: it switches gzip on")


def _is_packed(answer: Answer) -> bool:
    return answer.value("Content-Encoding").lower() in {"gzip", "br", "zstd", "deflate"}
