"""Is this text a host name, an address, a URL, a repository ...? Each answer is a plain yes or no.

Everything is a whitelist: what passes needs no quotes in nginx, YAML, cron and a shell.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, NetmaskValueError

from deployer.inventory.formats import is_absolute

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
USER = r"[a-z_][a-z0-9_-]{0,31}"
URL_PATH = r"(?:/[A-Za-z0-9._~:/@+,=%-]*)?"

_HOSTNAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
_ENDPOINT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@/\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_URL = re.compile(
    rf"(?P<scheme>[a-z]+)://(?:(?P<user>{USER})@)?(?P<endpoint>[^/?#@]+)"
    rf"(?P<path>{URL_PATH})(?P<query>(?:\?[A-Za-z0-9._~:/?@&+,=%-]*)?)"
)
_COPY_STYLE = re.compile(rf"{USER}@(?P<host>[^:@/]+):(?P<path>[A-Za-z0-9._~/+][A-Za-z0-9._~/+-]*)")
_IMAGE = re.compile(
    r"(?:(?P<registry>[^/@]+)/)?(?P<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
    r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def is_hostname(text: str) -> bool:
    last = text.rpartition(".")[2]
    return len(text) <= 253 and bool(_HOSTNAME.fullmatch(text)) and not last.isdigit()


def is_domain(text: str) -> bool:
    return "." in text and is_hostname(text)


def is_ipv4(text: str) -> bool:
    try:
        return bool(IPv4Address(text))
    except AddressValueError:
        return False


def is_ipv6(text: str) -> bool:
    """Without a zone: Python takes anything at all after the `%`."""
    try:
        return "%" not in text and bool(IPv6Address(text))
    except AddressValueError:
        return False


def is_address(text: str) -> bool:
    return is_hostname(text) or is_ipv4(text) or is_ipv6(text)


def is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= 65535


def is_endpoint(text: str) -> bool:
    """host, host:port or [IPv6]:port."""
    match = _ENDPOINT.fullmatch(text)
    if match is None or not is_port(match["port"] or "1"):
        return False
    host = match["host"]
    return is_ipv6(host[1:-1]) if host.startswith("[") else is_hostname(host) or is_ipv4(host)


def is_gateway(text: str) -> bool:
    user, at, endpoint = text.rpartition("@")
    return is_endpoint(endpoint) and (not at or bool(re.fullmatch(USER, user)))


def is_nameserver(text: str) -> bool:
    if is_ipv6(text):
        return True
    match = _ENDPOINT.fullmatch(text)
    return is_endpoint(text) and bool(match) and (text.startswith("[") or is_ipv4(text.partition(":")[0]))


def is_email(text: str) -> bool:
    mailbox, _, domain = text.rpartition("@")
    well_formed = re.fullmatch(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", mailbox)
    return bool(well_formed) and len(mailbox) <= 64 and not mailbox.startswith("-") and is_domain(domain)


def is_url(text: str, *schemes: str, user: bool = False, query: bool = True) -> bool:
    match = _URL.fullmatch(text)
    if match is None or match["scheme"] not in schemes or not is_endpoint(match["endpoint"]):
        return False
    return (user or not match["user"]) and (query or not match["query"])


def is_plain_web_url(text: str) -> bool:
    return is_url(text, "https", "http", query=False)


def is_origin(text: str) -> bool:
    """What a browser sends as `Origin`: no path, not even a slash, and lower case."""
    scheme, _, endpoint = text.partition("://")
    return scheme in ("https", "http") and endpoint == endpoint.lower() and is_endpoint(endpoint)


def is_registry(text: str) -> bool:
    return is_endpoint(text) or is_network(text)


def is_network(text: str) -> bool:
    try:
        return "/" in text and bool(IPv4Network(text))
    except (AddressValueError, NetmaskValueError, ValueError):
        return False


def is_private_subnet(text: str) -> bool:
    if not re.fullmatch(r"[0-9.]+/[0-9]{2}", text) or not is_network(text):
        return False
    network = IPv4Network(text)
    return 16 <= network.prefixlen <= 28 and any(network.subnet_of(private) for private in _PRIVATE)


def is_image(text: str) -> bool:
    match = _IMAGE.fullmatch(text)
    return match is not None and len(text) <= 255 and (not match["registry"] or is_endpoint(match["registry"]))


def is_repository(text: str) -> bool:
    copy_style = _COPY_STYLE.fullmatch(text)
    if copy_style is not None:
        return is_hostname(copy_style["host"]) or is_ipv4(copy_style["host"])
    local = text.removeprefix("file://")
    return (is_absolute(local) and local != "/") or _is_remote_repository(text)


def _is_remote_repository(text: str) -> bool:
    fetched = is_url(text, "https", "http", "git", query=False)
    return fetched or is_url(text, "ssh", user=True, query=False)


def is_restic_repository(text: str) -> bool:
    """https://restic.readthedocs.io/en/stable/030_preparing_a_new_repo.html"""
    kind, colon, rest = text.partition(":")
    if not colon:
        return is_absolute(text) and text != "/"
    known = kind in ("sftp", "rest", "s3", "b2", "azure", "gs", "swift", "rclone")
    return known and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~:/@+=-]*", rest)) and not has_password(rest)


def has_password(url: str) -> bool:
    return bool(re.search(r"//[^/@]*:[^/@]*@", url))


def is_firewall_rule(text: str) -> bool:
    ports, _, protocol = text.partition("/")
    first, colon, last = ports.partition(":")
    if not is_port(first) or text.endswith("/") or protocol not in ("", "tcp", "udp"):
        return False
    return not colon or (is_port(last) and int(first) < int(last) and protocol != "")
