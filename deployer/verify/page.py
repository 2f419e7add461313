"""Reads the names of scripts and styles from a page, and the names of further scripts from scripts."""

import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_LOADED = {"stylesheet", "modulepreload", "preload"}
_SCRIPT_NAME = re.compile(rb"[\"'`]([A-Za-z0-9_./~-]{1,200}\.m?js)[\"'`]")

# A content hash before the extension(s): Vite's 8 or more characters, webpack's 20 hexadecimal digits.
_PERHAPS_HASHED = re.compile(r"[.-][A-Za-z0-9_-]{8,}(?:\.[a-z]+)?\.[a-z0-9]+$")
_SURELY_HASHED = re.compile(r"[.-](?=[A-Za-z_-]*\d)(?:[0-9a-f]{8,}|[A-Za-z0-9_-]{8})(?:\.[a-z]+)?\.[a-z0-9]+$")


def is_hashed(path: str) -> bool | None:
    """Whether the name changes with the content; None where that cannot be determined."""
    name = posixpath.basename(path)
    if _SURELY_HASHED.search(name):
        return True
    return None if _PERHAPS_HASHED.search(name) else False


def loaded_by(html: bytes, address: str) -> tuple[str, ...]:
    """Paths on the same host of what a page at `address` loads, in the order of the page."""
    reader = _Reader()
    reader.feed(html.decode("utf-8", "replace"))
    base = urljoin(address, reader.base)
    host = urlsplit(address).netloc
    urls = [urlsplit(urljoin(base, name)) for name in reader.names]
    return tuple(dict.fromkeys(_path(url.path, url.query) for url in urls if url.netloc == host))


def scripts_named_in(script: bytes, path: str) -> tuple[str, ...]:
    """Paths of the scripts whose names are literals in a script: chunks that are loaded later."""
    names = dict.fromkeys(match.decode() for match in _SCRIPT_NAME.findall(script))
    folder = posixpath.dirname(path)
    relative = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
    from_root = [posixpath.normpath("/" + name) for name in names]
    return tuple(dict.fromkeys([*relative, *from_root]))


def _path(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "base":
            self.base = self.base or values.get("href", "")
        elif tag == "script" and values.get("src"):
            self.names.append(values["src"])
        elif tag == "link" and _LOADED & set(values.get("rel", "").lower().split()) and values.get("href"):
            self.names.append(values["href"])
