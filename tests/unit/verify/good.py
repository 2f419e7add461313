"""A deployment without a fault, as answers; tests spoil one thing at a time."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from .serving import Behaviour, OneOff, Told

DOMAIN = "wallet.example.com"
API = "api.wallet.example.com"
NAMES = {DOMAIN, API}
POLICY = "default-src 'self'; connect-src 'self' https://api.wallet.example.com"

SCRIPT = "/main.0123456789abcdef0123.bundle.js"
STYLE = "/styles.main.fedcba9876543210abcd.min.css"
PAGE = (
    f'<!doctype html><html><head><link rel="stylesheet" href="{STYLE[1:]}"><base href="/">'
    f'<script defer src="{SCRIPT[1:]}"></script></head><body>{"wallet " * 300}</body></html>'
).encode()
BUNDLE = b'const api="https://' + API.encode() + b'";' + b"let filler=0;" * 300

SECURITY = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Server", "nginx"),
)
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
IMMUTABLE = ("Cache-Control", "public, max-age=31536000, immutable")


def good(asked: OneOff) -> Told | None:
    """What the tool's own proxy, the wallet and the API answer."""
    if asked.host not in NAMES:
        return None
    if asked.scheme == "http":
        return Told(301, (*SECURITY, ("Location", f"https://{asked.host}{asked.path}")))
    told = _api(asked) if asked.host == API else _wallet(asked)
    return replace(told, headers=(*SECURITY, HSTS, *told.headers))


def spoiled(change: Callable[[OneOff, Told | None], Told | None]) -> Behaviour:
    """The good site with its answers changed."""
    return lambda asked: change(asked, good(asked))


def without(told: Told, name: str) -> Told:
    return replace(told, headers=tuple(pair for pair in told.headers if pair[0] != name))


def having(told: Told, name: str, value: str) -> Told:
    """The answer with one header set to a value."""
    return replace(told, headers=(*without(told, name).headers, (name, value)))


def plus(told: Told, name: str, value: str) -> Told:
    """The answer with one more header, beside those of the same name."""
    return replace(told, headers=(*told.headers, (name, value)))


def _wallet(asked: OneOff) -> Told:
    if asked.path == SCRIPT:
        return _packed("application/javascript", BUNDLE, IMMUTABLE)
    if asked.path == STYLE:
        return _packed("text/css", b"body{margin:0}" * 200, IMMUTABLE)
    if "." in asked.path:
        return Told(404, (("Content-Type", "text/html"),), b"not found")
    return _packed("text/html; charset=utf-8", PAGE, ("Cache-Control", "no-cache"))


def _packed(kind: str, body: bytes, caching: tuple[str, str]) -> Told:
    return Told(200, (("Content-Type", kind), ("Content-Encoding", "gzip"), caching), gzip.compress(body))


def _api(asked: OneOff) -> Told:
    allowed = asked.headers.get("Origin") == f"https://{DOMAIN}"
    cors = (("Access-Control-Allow-Origin", f"https://{DOMAIN}"),) if allowed else ()
    status = 200 if asked.path == "/health" else 404
    return Told(status, (("Content-Type", "application/json"), *cors), b'{"status": "healthy"}')
