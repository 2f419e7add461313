"""The types of the inventory's values, each in one place."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, PlainValidator

from deployer.inventory import names, texts
from deployer.inventory.schedule import is_schedule
from deployer.inventory.validators import DomainText, VariableName, optional, path, text, whole


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


_ADDRESS = ('an address is a host name, an IPv4 or an IPv6 address, or "local"', names.is_address)
_IMAGE = ('an image is "name:tag" or "registry/name@sha256:...", in lower case', names.is_image)
_URL_PATH = ('a URL\'s path is such as "/health": letters, digits and . _ ~ : @ + , = -', texts.is_url_path)
_LOCAL_PATH = ("a path on this machine has no quotes and other special characters", texts.is_local_path)
_PLAIN_URL = ('a URL is "https://host/path", without user, password and "?"', names.is_plain_web_url)

# On the network
Domain = Annotated[str, PlainValidator(DomainText())]
Email = Annotated[str, optional('an e-mail address is "name@example.com"', names.is_email)]
Address = Annotated[str, text(*_ADDRESS)]
OptionalAddress = Annotated[str, optional(*_ADDRESS)]
Gateway = Annotated[str, optional('a gateway is "user@host:port"', names.is_gateway)]
Port = Annotated[int, whole("a port", 1, 65535)]
Nameserver = Annotated[str, text('a name server is "192.0.2.1" or "192.0.2.1:53"', names.is_nameserver)]
Subnet = Annotated[str, text('a subnet is private, IPv4 and /16 to /28: "172.30.77.0/24"', names.is_private_subnet)]
Url = Annotated[str, text(*_PLAIN_URL)]
OptionalUrl = Annotated[str, optional('a URL is "https://host/path", without user and password', names.is_web_url)]
OptionalPlainUrl = Annotated[str, optional(*_PLAIN_URL)]
Origin = Annotated[str, text('an origin is "https://host[:port]": lower case, no path, never "*"', names.is_origin)]
Registry = Annotated[str, text('a registry is "host:port" or a network "10.0.0.0/8"', names.is_registry)]
FirewallRule = Annotated[str, text('a rule is "8080", "51820/udp" or "6000:6010/tcp"', names.is_firewall_rule)]

# Paths
OwnDirectory = Annotated[
    PurePosixPath,
    path(
        'a directory of its own is such as "/opt/name": none of the system\'s, no "..", no spaces',
        texts.is_own_directory,
    ),
]
InnerDirectory = Annotated[
    PurePosixPath,
    path(
        'a directory in the container is such as "/app/data": none of the system\'s, no "..", no spaces',
        texts.is_inner_directory,
    ),
]
RelativePath = Annotated[
    str, text('a path inside the repository is "." or "a/b": no "..", no spaces', texts.is_relative)
]
LocalPath = Annotated[str, text(*_LOCAL_PATH)]
OptionalLocalPath = Annotated[str, optional(*_LOCAL_PATH)]
UrlPath = Annotated[str, text(*_URL_PATH)]
OptionalUrlPath = Annotated[str, optional(*_URL_PATH)]

# Source and build
Repository = Annotated[
    str,
    text(
        'a repository is "https://host/path", "git@host:path", "ssh://..." or a path, without a password',
        names.is_repository,
    ),
]
Ref = Annotated[str, text("a branch, tag or commit is letters, digits and . _ / # + @ -", texts.is_ref)]
Image = Annotated[str, text(*_IMAGE)]
OptionalImage = Annotated[str, optional(*_IMAGE)]
Stage = Annotated[
    str,
    optional("a build stage is letters, digits and . _ -", _matches(r"[A-Za-z][A-Za-z0-9._-]{0,63}")),
]
Memory = Annotated[
    str,
    optional('an amount of memory is "512M" or "2G"', _matches(r"[1-9][0-9]{0,9}(?:\.[0-9]{1,3})?[kmgKMG][bB]?")),
]
Cpus = Annotated[str, optional('a number of CPUs is "0.5" or "2", in quotes', texts.is_amount)]

# Words of its own
Name = Annotated[str, text("a name is 2 to 31 of a-z, 0-9 and -, a letter first", texts.is_name)]
User = Annotated[str, text("a user is up to 32 of a-z, 0-9, _ and -, a letter first", _matches(names.USER))]
Identifier = Annotated[
    str,
    text(
        'a name in PostgreSQL is up to 63 of a-z, 0-9 and _, no digit first; not "pg_...", "template0", "template1"',
        _matches(r"(?!pg_|template[01]$)[a-z_][a-z0-9_]{0,62}"),
    ),
]
Policy = Annotated[
    str,
    text(
        "a policy is directives separated by ;, each once, without double quotes, $, \\ and braces "
        "({api} stands for the API's origin)",
        texts.is_policy,
    ),
]
Rate = Annotated[str, text('a rate is "10r/s", "300r/m" or "off"', _matches(r"[1-9][0-9]{0,5}r/[sm]|off"))]
Schedule = Annotated[str, text('a schedule is the five fields of cron, such as "0 2 * * *"', is_schedule)]
Offsite = Annotated[
    str,
    optional(
        'a restic repository is such as "sftp:user@host:/path" or "s3:https://host/bucket"; '
        "its passwords go in NAME.env",
        names.is_restic_repository,
    ),
]
Days = Annotated[int, whole("a number of days", 1, 36500)]
Seconds = Annotated[int, whole("a number of seconds", 0, 600)]
Drain = Annotated[int, whole("a number of seconds", 1, 600)]
Count = Annotated[int, whole("this", 1, 1000)]
Burst = Annotated[int, whole("a burst", 0, 100000)]
Variable = Annotated[str, PlainValidator(VariableName())]
Value = Annotated[str, text("a value is a text in quotes, on one line", texts.is_one_line)]
Word = Annotated[str, text("a word of a command is a text in quotes, not empty, on one line", texts.is_word)]

# Several: TOML has lists, we keep tuples
_AsTuple = Field(strict=False)
Words = Annotated[tuple[Word, ...], _AsTuple]
Domains = Annotated[tuple[Domain, ...], _AsTuple]
Origins = Annotated[tuple[Origin, ...], _AsTuple]
Nameservers = Annotated[tuple[Nameserver, ...], _AsTuple]
Urls = Annotated[tuple[Url, ...], _AsTuple]
Registries = Annotated[tuple[Registry, ...], _AsTuple]
FirewallRules = Annotated[tuple[FirewallRule, ...], _AsTuple]
