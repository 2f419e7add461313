"""How a connection can end without an answer: a refusal on purpose is good news to some checks."""

import errno
import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

import urllib3.exceptions

Kind = Literal["refused", "timed out", "closed", "certificate", "tls", "cannot ask", "unreachable", "garbled"]

# What getting an answer may raise; ValueError covers a name that IDNA or http.client does not accept.
NETWORK = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)

# The local OpenSSL does not support (or allow) the handshake that was requested.
_LOCAL = {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "NO_CIPHER_MATCH"}


@dataclass(frozen=True)
class NoAnswer:
    """`reason` is for people; `kind` for the checks."""

    reason: str
    kind: Kind


def no_answer(error: Exception) -> NoAnswer:
    """Tell one of the exceptions in `NETWORK` apart."""
    cause = _cause(error)
    match cause:
        case ssl.SSLCertVerificationError():
            return NoAnswer(f"the certificate is not trusted: {cause.verify_message}", "certificate")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return NoAnswer("the connection was closed", "closed")
        case ssl.SSLError() if cause.reason in _LOCAL:
            return NoAnswer(f"the local {ssl.OPENSSL_VERSION} cannot make this handshake: {cause.reason}", "cannot ask")
        case ssl.SSLError():
            return NoAnswer(f"TLS was refused: {cause.reason or cause}", "tls")
        case _:
            return _without_tls(cause)


def _without_tls(cause: BaseException) -> NoAnswer:
    match cause:
        case TimeoutError() | urllib3.exceptions.TimeoutError():
            return NoAnswer("no answer in time", "timed out")
        case ConnectionRefusedError():
            return NoAnswer("the connection was refused", "refused")
        case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            return NoAnswer("the connection was closed without an answer", "closed")
        case socket.gaierror():
            return NoAnswer(f"the name does not resolve here: {cause.strerror}", "unreachable")
        case OSError():
            return NoAnswer(_words(cause), "unreachable")
        case _:
            return NoAnswer(f"no proper HTTP answer: {cause}", "garbled")


def _words(error: OSError) -> str:
    known = {errno.ENETUNREACH: "no route to that network", errno.EHOSTUNREACH: "no route to the host"}
    return known.get(error.errno or 0, error.strerror or str(error))


def check_name(name: str) -> None:
    """Raise UnicodeError for what is no host name; TLS would do so late, and leave its socket open."""
    name.encode("idna")


def _cause(error: BaseException) -> BaseException:
    """The operating system's or OpenSSL's error below urllib3's wrapping."""
    if not isinstance(error, urllib3.exceptions.HTTPError):
        return error
    below = error.__cause__ or error.__context__
    return _cause(below) if isinstance(below, NETWORK) else error
