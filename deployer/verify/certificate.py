"""The certificate of each name: trusted, issued for that name, and valid for some days to come."""

import datetime
from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deployer.verify.answers import Request
from deployer.verify.findings import Finding, Findings, failed, judged, passed, warned
from deployer.verify.no_answer import NoAnswer
from deployer.verify.presented import Presented, alternatives, covers
from deployer.verify.target import Site
from deployer.verify.visit import Visit

NAME = "certificate"

FEW_DAYS = 21  # of a long-lived certificate; of a short-lived one a quarter of its life

_RENEW = "run deployer renew"
_REISSUE = "run deployer provision: it writes the certificate again; check tls.mode and the names under [site]"


def requests(site: Site) -> dict[str, Request]:
    """None: it judges handshakes."""
    return {}


def check(visit: Visit) -> Findings:
    """Judge what each name presents."""
    return judge(visit.site, visit.presented, datetime.datetime.now(datetime.UTC))


def judge(site: Site, presented: Presented, now: datetime.datetime) -> Findings:
    """The same, at this moment."""
    if presented.silent:
        remedy = "run deployer status; is the proxy running and port 443 open?"
        return (failed("TLS answers", "; ".join(presented.silent), remedy),)
    found = presented.certificates
    checks = [_chain(site, presented), _names(found), _life(found, now)]
    if site.mode == "letsencrypt":
        checks.append(_issuer(found))
    if site.mode == "self-signed":
        checks.append(_pinned(site, found))
    return tuple(checks)


def is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _chain(site: Site, presented: Presented) -> Finding:
    trusted = presented.trusted
    faults = [f"{name}: {reply.reason}" for name, reply in trusted.items() if isinstance(reply, NoAnswer)]
    whom = "the pinned certificate" if site.mode == "self-signed" else "a trusted root"
    return judged("certificate trusted", faults, f"the chain of every name ends at {whom}", _REISSUE)


def _names(found: Mapping[str, x509.Certificate]) -> Finding:
    faults = [
        f"{name} is not among {', '.join(alternatives(certificate)) or 'no names'}"
        for name, certificate in found.items()
        if not covers(certificate, name)
    ]
    return judged("certificate names", faults, "covers " + ", ".join(found), _REISSUE)


def _life(found: Mapping[str, x509.Certificate], now: datetime.datetime) -> Finding:
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


def _issuer(found: Mapping[str, x509.Certificate]) -> Finding:
    faults = [f"{name}: self-signed" for name, certificate in found.items() if is_self_signed(certificate)]
    issuers = sorted({certificate.issuer.rfc4514_string() for certificate in found.values()})
    remedy = "the placeholder is still in use: run deployer renew"
    return judged("certificate issuer", faults, f"issued by {'; '.join(issuers)}", remedy)


def _pinned(site: Site, found: Mapping[str, x509.Certificate]) -> Finding:
    return judged("certificate pinned", _not_pinned(site, found), "exactly the pinned certificate is served", _REISSUE)


def _not_pinned(site: Site, found: Mapping[str, x509.Certificate]) -> Iterator[str]:
    try:
        pinned = x509.load_pem_x509_certificates((site.trusted_pem or "").encode())
    except ValueError:
        pinned = []
    known = {certificate.public_bytes(Encoding.DER) for certificate in pinned}
    for name, certificate in found.items():
        if certificate.public_bytes(Encoding.DER) not in known:
            yield f"{name} presents {certificate.subject.rfc4514_string()}, which is not the pinned certificate"
