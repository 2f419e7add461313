"""Checks an image on the host, wherever it was built, and gives it the name that releases use.

Every public file of the wallet is searched for each secret in .env, which never leaves the host, and for the address of
the API.
"""

from collections.abc import Collection, Iterator
from typing import IO

from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.image_files import PAGES, container_of, files_below
from deployer.remote.masking import secrets_of

PIECE = 1 << 20
"""Bytes that are searched at once."""
NAMED = 10
"""As many files are named in a message at most."""


def accept(host: Host, candidate: str, tag: str, api: str, *, keep: bool = False) -> None:
    """Name it `tag`, and forget its own name unless `keep`. With `api` it is the wallet. Raises Failure."""
    try:
        if api:
            _search(host, candidate, api.encode())
        tagged = host.docker("tag", candidate, tag)
        if not tagged.succeeded:
            raise Failure(f"{candidate} could not be named {tag}:\n{tagged.last_lines}")
    finally:
        if not keep:
            host.docker("rmi", candidate)


def _search(host: Host, image: str, api: bytes) -> None:
    secrets = frozenset(secrets_of(host.config.environment, host.config.secret_words))
    has_files, has_api = False, False
    public: list[str] = []
    with container_of(host, image, "none") as container, files_below(host, container, PAGES) as files:
        for path, content in files:
            found = frozenset(_found(content, {api, *secrets}))
            has_files, has_api = True, has_api or api in found
            if found & secrets and len(public) < NAMED:
                public.append(str(PAGES.parent / path))
    if not has_files:
        raise Failure(f"the wallet's image has no files in {PAGES}")
    if public:
        named = "\n".join(public)
        raise Failure(f"the wallet's public files contain a secret of {host.config.environment}: {named}")
    if not has_api:
        raise Failure(
            f"the wallet's files do not contain {api.decode()}: check that its build reads wallet.api_url_variable"
        )


def _found(content: IO[bytes], wanted: Collection[bytes]) -> Iterator[bytes]:
    """Which of these a file contains, also across two pieces; one that it has often may be given often."""
    overlap, before = max(map(len, wanted)) - 1, b""
    while data := content.read(PIECE):
        piece = before + data
        yield from (each for each in wanted if each in piece)
        before = piece[-overlap:] if overlap else b""
