"""Which certificates a connection trusts: the system's roots, the pinned one, or (only to inspect it) any."""

import ssl
from functools import lru_cache

from deployer.verify.target import Mode, Site


def trusting(site: Site) -> ssl.SSLContext:
    """A visitor's context; raises ssl.SSLError if `trusted_pem` holds no certificate."""
    return _trusting(site.mode, site.trusted_pem)


def trusting_any_name(site: Site) -> ssl.SSLContext:
    """The same trust whatever the name: it distinguishes a bad chain from a wrong name."""
    return _trusting(site.mode, site.trusted_pem, check_hostname=False)


@lru_cache(maxsize=8)
def _trusting(mode: Mode, pem: str | None, check_hostname: bool = True) -> ssl.SSLContext:
    no_roots = mode == "self-signed"  # the pinned certificate or nothing
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if no_roots else ssl.create_default_context()
    context.check_hostname = check_hostname
    # Python >= 3.13 asks for RFC 5280 to the letter, which browsers do not; the same on every version.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if pem:
        context.load_verify_locations(cadata=pem)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@lru_cache(maxsize=1)
def unchecked() -> ssl.SSLContext:
    """Trusts any certificate: to inspect it, or a site whose certificate was judged already."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
