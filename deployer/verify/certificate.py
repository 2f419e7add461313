"""The certificate each name shows: trusted, for that name, of some days to come, and not home-made."""

import datetime
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deployer.verify.authorities import trusting_any_name, unchecked
from deployer.verify.checks import Check, failed, judged, passed, warned
from deployer.verify.handshake import Handshake, handshake
from deployer.verify.no_answer import NoAnswer
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

FEW_DAYS = 21  # of a long-lived certificate; of a short-lived one a quarter of its life

_RENEW = "run deployer renew"
_REISSUE = "deployer provision writes the certificate again; check tls.mode and the names under [site]"


@dataclass(frozen=True)
class Presented:
    """What each name shows: `anyhow` to one who trusts anybody, `trusted` to one with a visitor's trust."""

    anyhow: Mapping[str, Handshake | NoAnswer]
    trusted: Mapping[str, Handshake | NoAnswer]

    @property
    def silent(self) -> list[str]:
        """Names under which TLS does not come about at all, with the reason."""
        return [f"{name}: {reply.reason}" for name, reply in self.anyhow.items() if isinstance(reply, NoAnswer)]


def look(site: Site, limit: float = 5.0) -> Presented:
    """Two handshakes for every name, side by side, within `limit` seconds."""
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


def check(site: Site, presented: Presented, now: datetime.datetime) -> tuple[Check, ...]:
    """Judge what `look` saw."""
    if presented.silent:
        remedy = "deployer status; is the proxy running and port 443 open?"
        return (failed("TLS answers", "; ".join(presented.silent), remedy),)
    shown = {name: reply for name, reply in presented.anyhow.items() if isinstance(reply, Handshake)}
    found = {name: x509.load_der_x509_certificate(reply.certificate) for name, reply in shown.items()}
    checks = [_chain(site, presented), _names(found), _life(found, now)]
    if site.mode == "letsencrypt":
        checks.append(_issuer(found))
    if site.mode == "self-signed":
        checks.append(_pinned(site, found))
    return tuple(checks)


def _visitor(site: Site) -> ssl.SSLContext:
    """A visitor's trust; nobody's, where `trusted_pem` holds no certificate."""
    try:
        return trusting_any_name(site)
    except ssl.SSLError:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def covers(certificate: x509.Certificate, name: str) -> bool:
    """Whether the subject alternative names hold the name, a wildcard standing for one label (RFC 6125)."""
    wildcard = "*." + name.partition(".")[2]
    return bool({name.lower(), wildcard.lower()} & {entry.lower() for entry in _alternatives(certificate)})


def is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _alternatives(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _chain(site: Site, presented: Presented) -> Check:
    trusted = presented.trusted
    faults = [f"{name}: {reply.reason}" for name, reply in trusted.items() if isinstance(reply, NoAnswer)]
    whom = "the pinned certificate" if site.mode == "self-signed" else "a trusted root"
    return judged("certificate trusted", faults, f"the chain of every name ends at {whom}", _REISSUE)


def _names(found: Mapping[str, x509.Certificate]) -> Check:
    faults = [
        f"{name} is not among {', '.join(_alternatives(certificate)) or 'no names'}"
        for name, certificate in found.items()
        if not covers(certificate, name)
    ]
    return judged("certificate names", faults, "covers " + ", ".join(found), _REISSUE)


def _life(found: Mapping[str, x509.Certificate], now: datetime.datetime) -> Check:
    certificate = min(found.values(), key=lambda each: each.not_valid_after_utc)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    days = (end - now) / datetime.timedelta(days=1)
    until = f"until {end:%Y-%m-%d %H:%M} UTC, {days:.0f} days from now"
    if now < begin:
        return failed("certificate life", f"not valid before {begin:%Y-%m-%d %H:%M} UTC", "check the clocks")
    if now > end:
        return failed("certificate life", f"expired on {end:%Y-%m-%d %H:%M} UTC", _RENEW)
    if days < min(FEW_DAYS, (end - begin) / datetime.timedelta(days=1) / 4):
        return warned("certificate life", until, _RENEW)
    return passed("certificate life", until)


def _issuer(found: Mapping[str, x509.Certificate]) -> Check:
    faults = [f"{name}: self-signed" for name, certificate in found.items() if is_self_signed(certificate)]
    issuers = sorted({certificate.issuer.rfc4514_string() for certificate in found.values()})
    remedy = "the placeholder is still in use: run deployer renew"
    return judged("certificate issuer", faults, f"issued by {'; '.join(issuers)}", remedy)


def _pinned(site: Site, found: Mapping[str, x509.Certificate]) -> Check:
    return judged("certificate pinned", _strangers(site, found), "exactly the pinned certificate is served", _REISSUE)


def _strangers(site: Site, found: Mapping[str, x509.Certificate]) -> Iterator[str]:
    try:
        pinned = x509.load_pem_x509_certificates((site.trusted_pem or "").encode())
    except ValueError:
        pinned = []
    known = {certificate.public_bytes(Encoding.DER) for certificate in pinned}
    for name, certificate in found.items():
        if certificate.public_bytes(Encoding.DER) not in known:
            yield f"{name} shows {certificate.subject.rfc4514_string()}, which is not the pinned certificate"
