"""One TLS handshake and nothing more: which certificate is shown for a name, and whether it is refused."""

import contextlib
import socket
import ssl
from dataclasses import dataclass

from deployer.verify.no_answer import NETWORK, NoAnswer, check_name, no_answer
from deployer.verify.target import Site


@dataclass(frozen=True)
class Handshake:
    """`certificate` is DER; `version` as OpenSSL calls it, "TLSv1.3"."""

    certificate: bytes
    version: str


def handshake(site: Site, name: str | None, context: ssl.SSLContext, *, limit: float = 5.0) -> Handshake | NoAnswer:
    """Shake hands for `name` (None: without SNI), each wait at most `limit` seconds. Raises nothing."""
    address = site.address or name or site.domain
    try:
        check_name(name or "")
        with (
            contextlib.closing(socket.create_connection((address, site.https_port), limit)) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            return Handshake(secure.getpeercert(binary_form=True) or b"", secure.version() or "")
    except NETWORK as error:
        return no_answer(error)
