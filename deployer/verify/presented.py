"""The certificate that each name presents: to a client that trusts anybody, and to one with a visitor's trust."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from deployer.verify.authorities import trusting_any_name, unchecked
from deployer.verify.handshake import Handshake, handshake
from deployer.verify.no_answer import NoAnswer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site


@dataclass(frozen=True)
class Presented:
    """What each name presents: `anyhow` to a client that trusts anybody, `trusted` to one with a visitor's trust."""

    anyhow: Mapping[str, Handshake | NoAnswer]
    trusted: Mapping[str, Handshake | NoAnswer]

    @property
    def silent(self) -> list[str]:
        """Names for which no TLS connection can be made at all, with the reason."""
        return [f"{name}: {reply.reason}" for name, reply in self.anyhow.items() if isinstance(reply, NoAnswer)]

    @property
    def certificates(self) -> Mapping[str, x509.Certificate]:
        """By name, where there is one."""
        shown = {name: reply for name, reply in self.anyhow.items() if isinstance(reply, Handshake)}
        return {name: x509.load_der_x509_certificate(reply.certificate) for name, reply in shown.items()}

    @property
    def is_trusted(self) -> bool:
        """Whether a visitor's browser would accept it for every name."""
        trusted = all(isinstance(reply, Handshake) for reply in self.trusted.values())
        return trusted and all(covers(certificate, name) for name, certificate in self.certificates.items())


def look(site: Site, limit: float = 5.0) -> Presented:
    """Two handshakes for every name, in parallel, within `limit` seconds."""
    contexts = {"anyhow": unchecked(), "trusted": _visitor(site)}
    tasks = {
        (trust, name): partial(handshake, site, name, context, limit=limit)
        for trust, context in contexts.items()
        for name in site.names
    }
    answers = in_parallel(tasks, limit + 1)
    late = NoAnswer(f"no handshake within {limit:g} s", "timed out")
    return Presented(
        anyhow={name: answers.get(("anyhow", name), late) for name in site.names},
        trusted={name: answers.get(("trusted", name), late) for name in site.names},
    )


def _visitor(site: Site) -> ssl.SSLContext:
    """A visitor's trust; nobody's, where `trusted_pem` holds no certificate."""
    try:
        return trusting_any_name(site)
    except ssl.SSLError:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def covers(certificate: x509.Certificate, name: str) -> bool:
    """Whether the subject alternative names hold the name, where a wildcard matches one label (RFC 6125)."""
    wildcard = "*." + name.partition(".")[2]
    return bool({name.lower(), wildcard.lower()} & {entry.lower() for entry in alternatives(certificate)})


def alternatives(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return extension.value.get_values_for_type(x509.DNSName)
