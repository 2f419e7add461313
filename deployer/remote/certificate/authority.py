"""A certificate from an ACME authority, by certbot: asked for a bounded number of times, failures explained."""

import re
from pathlib import Path

from deployer.remote import output
from deployer.remote.certificate.pair import Pair
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result, run

TRIES = 5
"""certbot gives up after two bad nonces in a row, where RFC 8555 (6.5) asks to repeat."""
SECONDS = 600.0
LIVE = Path("/etc/letsencrypt/live")
BAD_NONCE = re.compile("badNonce|anti-replay nonce|invalid nonce")
DOMAIN = re.compile(r"^ *Domain: *(\S+)", re.MULTILINE)
EXPLANATIONS = (
    (
        "rateLimited|too many",
        "the CA refuses for now: its rate limit is reached (https://letsencrypt.org/docs/rate-limits/); wait, the "
        "certificate in place is kept",
    ),
    (
        "NXDOMAIN|DNS problem|could not resolve|no valid A|No valid IP",
        "a name does not resolve for the CA: check the A records of {names}",
    ),
    (
        "error:connection|Type:   connection",
        "the CA cannot reach port 80 under {names}: check the firewall in front of this host and the A records",
    ),
    (
        "Connection refused|Max retries|timed out|Name or service|Failed to resolve",
        "the CA at {server} cannot be reached from this host; the certificate in place is kept",
    ),
    (
        "unauthorized|Invalid response",
        "the CA reached another server, or not this proxy, at /.well-known/acme-challenge/ under {names}",
    ),
)
"""What certbot's output has to contain, and what that means; the first one that fits."""


def live(host: Host) -> Pair:
    """Where certbot keeps the latest pair."""
    return Pair.below(LIVE / host.config.certificate.names[0])


def obtain(host: Host, *, force: bool) -> None:
    """Let certbot obtain the certificate, or keep the one that it has while that is not due.

    Raises Failure with certbot's last lines and what they mean.
    """
    wanted = host.config.certificate
    names = [word for name in wanted.names for word in ("-d", name)]
    words = (
        *("certonly", "--webroot", "-w", str(host.config.state / "acme"), "--cert-name", wanted.names[0], *names),
        *("--email", wanted.email, "--agree-tos", "--keep-until-expiring", "--expand"),
        *(("--force-renewal",) if force else ()),
        *("--non-interactive", "--server", wanted.server),
    )
    result = _ask(host, words)
    if not result.succeeded:
        raise Failure("\n".join(filter(None, (result.last_lines, explanation(host, result.text)))))


def _ask(host: Host, words: tuple[str, ...]) -> Result:
    authority = host.config.certificate.authority
    environment = {"REQUESTS_CA_BUNDLE": authority} if authority else {}
    for number in range(1, TRIES + 1):
        result = run("certbot", *words, limit=SECONDS, environment=environment)
        if result.succeeded or not BAD_NONCE.search(result.text):
            break
        output.say(f"bad nonce, trying again ({number})")
    return result


def explanation(host: Host, printed: str) -> str:
    """What certbot's output means for the person who reads it; empty where nothing is known of it."""
    names = " ".join(sorted(set(DOMAIN.findall(printed)))) or " ".join(host.config.certificate.names)
    found = (text for pattern, text in EXPLANATIONS if re.search(pattern, printed))
    return next(found, "").format(names=names, server=host.config.certificate.server)
