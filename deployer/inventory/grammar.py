"""The types of the inventory's values, each in one place."""

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, PlainValidator

from deployer.inventory import formats, locations
from deployer.inventory.schedule import is_schedule
from deployer.inventory.validators import DomainText, VariableName, integer, optional, path, text


def _matching(expects: str, pattern: str) -> PlainValidator:
    return text(expects, re.compile(pattern).fullmatch, pattern)


def _optional(expects: str, pattern: str) -> PlainValidator:
    return optional(expects, re.compile(pattern).fullmatch, pattern)


_ADDRESS = (
    'an address is a host name, an IPv4 or an IPv6 address, or "local"',
    locations.is_address,
    r"[A-Za-z0-9.:-]+",
)
_IMAGE = (
    'an image is "name:tag" or "registry/name@sha256:...", in lower case',
    locations.is_image,
    r"[A-Za-z0-9._:/@\[\]-]+",
)
_URL_PATH = (
    'a URL\'s path is such as "/health": letters, digits and . _ ~ : @ + , = -',
    formats.is_url_path,
    r"/[A-Za-z0-9._~:@+,=/-]*",
)
_LOCAL_PATH = (
    "a path on this machine has no quotes and other special characters",
    formats.is_local_path,
    r"""[^"'`$;&|<>*?\\!#]+""",
)
_PLAIN_URL = (
    'a URL is "https://host/path", without user, password and "?"',
    locations.is_plain_web_url,
    r"https?://[^\s?#]+",
)
_ONE_LINE = r"[^\r\n]"

# On the network
Domain = Annotated[str, PlainValidator(DomainText())]
Email = Annotated[
    str,
    optional('an e-mail address is "name@example.com"', locations.is_email, r"[A-Za-z0-9_+.-]+@[A-Za-z0-9.-]+"),
]
Address = Annotated[str, text(*_ADDRESS)]
OptionalAddress = Annotated[str, optional(*_ADDRESS)]
Gateway = Annotated[
    str,
    optional('a gateway is "user@host:port"', locations.is_gateway, r"(?:[a-z0-9_-]+@)?[A-Za-z0-9.:\[\]-]+"),
]
Port = Annotated[int, integer("a port", 1, 65535)]
Nameserver = Annotated[
    str, text('a name server is "192.0.2.1" or "192.0.2.1:53"', locations.is_nameserver, r"[0-9A-Fa-f.:\[\]]+")
]
Subnet = Annotated[
    str,
    text(
        'a subnet is private, IPv4 and /16 to /28: "172.30.77.0/24"',
        locations.is_private_subnet,
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{2}",
    ),
]
Url = Annotated[str, text(*_PLAIN_URL)]
OptionalPlainUrl = Annotated[str, optional(*_PLAIN_URL)]
Origin = Annotated[
    str,
    text(
        'an origin is "https://host[:port]": lower case, no path, never "*"',
        locations.is_origin,
        r"https?://[a-z0-9.:\[\]-]+",
    ),
]
Registry = Annotated[
    str, text('a registry is "host:port" or a network "10.0.0.0/8"', locations.is_registry, r"[A-Za-z0-9.:/\[\]-]+")
]
FirewallRule = Annotated[
    str,
    text(
        'a rule is "8080", "51820/udp" or "6000:6010/tcp"',
        locations.is_firewall_rule,
        r"[0-9]{1,5}(?::[0-9]{1,5})?(?:/(?:tcp|udp))?",
    ),
]

# Paths
OwnDirectory = Annotated[
    PurePosixPath,
    path(
        'a directory of its own is such as "/opt/name": not one of the system\'s, without ".." and spaces',
        formats.is_own_directory,
    ),
]
InnerDirectory = Annotated[
    PurePosixPath,
    path(
        'a directory in the container is such as "/app/data": not one of the system\'s, without ".." and spaces',
        formats.is_inner_directory,
    ),
]
RelativePath = Annotated[
    str,
    text(
        'a path inside the repository is "." or "a/b", without ".." and spaces',
        formats.is_relative,
        r"[A-Za-z0-9._+@][A-Za-z0-9._+@/-]*",
    ),
]
LocalPath = Annotated[str, text(*_LOCAL_PATH)]
OptionalLocalPath = Annotated[str, optional(*_LOCAL_PATH)]
UrlPath = Annotated[str, text(*_URL_PATH)]

# Source and build
Repository = Annotated[
    str,
    text(
        'a repository is "https://host/path", "git@host:path", "ssh://..." or a path, without a password',
        locations.is_repository,
        r"[A-Za-z0-9/][^\s]+",
    ),
]
Ref = Annotated[
    str,
    text(
        "a branch, tag or commit is letters, digits and . _ / # + @ -",
        formats.is_ref,
        r"[A-Za-z0-9_#+@.][A-Za-z0-9._/#+@-]{0,199}",
    ),
]
OptionalDirectory = Annotated[
    str,
    optional(
        'a directory in the container is such as "/app", without ".." and spaces',
        formats.is_absolute,
    ),
]
Image = Annotated[str, text(*_IMAGE)]
OptionalImage = Annotated[str, optional(*_IMAGE)]
Stage = Annotated[str, _optional("a build stage is letters, digits and . _ -", r"[A-Za-z][A-Za-z0-9._-]{0,63}")]
Memory = Annotated[
    str, _optional('an amount of memory is "512M" or "2G"', r"[1-9][0-9]{0,9}(?:\.[0-9]{1,3})?[kmgKMG][bB]?")
]
Cpus = Annotated[
    str, optional('a number of CPUs is "0.5" or "2", in quotes', formats.is_amount, r"[0-9]{1,4}(?:\.[0-9]{1,3})?")
]

# Words of its own
Name = Annotated[
    str,
    text("a name is 2 to 31 of a-z, 0-9 and -, beginning with a letter", formats.is_name, r"[a-z][a-z0-9-]{1,30}"),
]
User = Annotated[str, _matching("a user is up to 32 of a-z, 0-9, _ and -, beginning with a letter", locations.USER)]
Identifier = Annotated[
    str,
    _matching(
        "a name in PostgreSQL is up to 63 of a-z, 0-9 and _, not beginning with a digit; "
        'not "pg_...", "template0", "template1"',
        r"(?!pg_|template[01]$)[a-z_][a-z0-9_]{0,62}",
    ),
]
Policy = Annotated[
    str,
    text(
        "a policy is directives separated by ;, each once, without double quotes, $, \\ and braces "
        "({api} stands for the API's origin)",
        formats.is_policy,
        r'[^"$\\]+',
    ),
]
Rate = Annotated[str, _matching('a rate is "10r/s", "300r/m" or "off"', r"[1-9][0-9]{0,5}r/[sm]|off")]
Schedule = Annotated[
    str, text('a schedule is the five fields of cron, such as "0 2 * * *"', is_schedule, r"[^\s]+(?: [^\s]+){4}")
]
Offsite = Annotated[
    str,
    optional(
        'a restic repository is such as "sftp:user@host:/path" or "s3:https://host/bucket"; '
        "its passwords go in NAME.env",
        locations.is_restic_repository,
        r"[^\s]+",
    ),
]
Days = Annotated[int, integer("a number of days", 1, 36500)]
Seconds = Annotated[int, integer("a number of seconds", 0, 600)]
Drain = Annotated[int, integer("a number of seconds", 1, 600)]
Count = Annotated[int, integer("this", 1, 1000)]
Burst = Annotated[int, integer("a burst", 0, 100000)]
Variable = Annotated[str, PlainValidator(VariableName())]
Value = Annotated[str, text("a value is a text in quotes, on one line", formats.is_one_line, f"{_ONE_LINE}*")]
Word = Annotated[
    str, text("a word of a command is a text in quotes, not empty, on one line", formats.is_word, f"{_ONE_LINE}+")
]

# Several: TOML has lists, we keep tuples
_AsTuple = Field(strict=False)
Words = Annotated[tuple[Word, ...], _AsTuple]
Domains = Annotated[tuple[Domain, ...], _AsTuple]
Origins = Annotated[tuple[Origin, ...], _AsTuple]
Nameservers = Annotated[tuple[Nameserver, ...], _AsTuple]
Urls = Annotated[tuple[Url, ...], _AsTuple]
Registries = Annotated[tuple[Registry, ...], _AsTuple]
FirewallRules = Annotated[tuple[FirewallRule, ...], _AsTuple]
