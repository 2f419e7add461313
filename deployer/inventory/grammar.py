"""The types of the inventory's values: each says in one sentence what is right, and takes nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, PlainValidator

from deployer.inventory import names
from deployer.inventory.schedule import is_schedule

SECRET_NAME = re.compile(r"[A-Z0-9_]*_(?:SECRET_KEY|PASSWORD)|DATABASE_URL", re.IGNORECASE)

_SYSTEM = "bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var".split()
_CLOSED = "bin boot dev etc lib lib32 lib64 libx32 proc run sbin sys tmp usr".split()
_VAR = ("cache", "lib", "lib/docker", "log", "mail", "run", "spool", "tmp", "www")


@dataclass(frozen=True)
class Text:
    """A text that `accepts` says yes to; `expects` completes the sentence "got X: ..."."""

    expects: str
    accepts: Callable[[str], object]

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and self.accepts(value):
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class Whole:
    """A whole number in a range."""

    what: str
    lowest: int
    highest: int

    @property
    def expects(self) -> str:
        return f"{self.what} is a number from {self.lowest} to {self.highest}"

    def __call__(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and self.lowest <= value <= self.highest:
            return value
        raise ValueError(self.expects)


@dataclass(frozen=True)
class DomainText:
    """Lower-cased; a name in another script is answered with the form that DNS knows."""

    expects: str = 'a domain is a full host name such as "www.example.com": letters, digits, hyphens, dots'

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and names.is_domain(value):
            return value.lower()
        raise ValueError(self.expects + _idna_hint(value))


@dataclass(frozen=True)
class PathText:
    """An absolute path on the host or in a container."""

    expects: str
    accepts: Callable[[str], object]

    def __call__(self, value: object) -> PurePosixPath:
        if isinstance(value, str | PurePosixPath) and self.accepts(str(value)):
            return PurePosixPath(value)
        raise ValueError(self.expects)


@dataclass(frozen=True)
class VariableName:
    """The name of an environment variable that everyone may see the value of."""

    expects: str = "a variable's name is letters, digits and _, and no digit first"

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", value):
            raise ValueError(self.expects)
        if SECRET_NAME.fullmatch(value):
            raise ValueError("a secret goes in NAME.env, beside this file")
        return value


def _idna_hint(value: object) -> str:
    if not isinstance(value, str) or value.isascii():
        return ""
    try:
        encoded = value.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    return f'; in DNS this name is "{encoded}"' if names.is_domain(encoded) else ""


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _is_own_directory(text: str) -> bool:
    """Not a directory that the system or other software lives in: ours is swapped as a whole by a restore."""
    system, closed = {f"/{name}" for name in _SYSTEM}, tuple(f"/{name}/" for name in _CLOSED)
    taken = {f"/var/{name}" for name in _VAR}
    free = text not in {"/", *system, *taken} and not text.startswith((*closed, "/var/lib/docker/"))
    return names.is_absolute(text) and free


def _is_inner_directory(text: str) -> bool:
    return names.is_absolute(text) and text not in {"/", "/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/lib"}


def _is_local_path(text: str) -> bool:
    """On the operator's machine, where directories with a space in their name are common."""
    unsafe = re.search(r"""["'`$;&|<>*?\\!#]""", text)
    return text.isprintable() and text.strip() == text != "" and not unsafe and not text.startswith("-")


def _is_url_path(text: str) -> bool:
    """nginx compares with the path it has decoded and cleaned, so only such a path ever matches."""
    parts = text.split("/")[1:]
    safe = re.fullmatch(r"/[A-Za-z0-9._~:@+,=/-]*", text)
    return bool(safe) and len(text) <= 200 and not {".", ".."}.intersection(parts) and "" not in parts[:-1]


def _is_policy(text: str) -> bool:
    """Directives separated by `;`, each named once; `{api}` stands for the API's origin."""
    directives = [part.strip(" ") for part in text.replace("{api}", "https://api").split(";") if part.strip(" ")]
    well_formed = all(
        re.fullmatch(r"""[a-z][a-z-]*(?: +[!#%&'()*+./0-9:<=>?@A-Z\[\]^_`a-z|~-]+)*""", directive)
        for directive in directives
    )
    named = [directive.split(" ")[0] for directive in directives]
    return bool(directives) and well_formed and len(named) == len(set(named))


def _is_firewall_rule(text: str) -> bool:
    ports, _, protocol = text.partition("/")
    first, colon, last = ports.partition(":")
    if not names.is_port(first) or text.endswith("/") or protocol not in ("", "tcp", "udp"):
        return False
    return not colon or (names.is_port(last) and int(first) < int(last) and protocol != "")


def _is_amount(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", text)) and float(text) > 0


def _is_one_line(text: str) -> bool:
    return not re.search("[\0\r\n]", text) and _is_unicode(text)


def _is_word(text: str) -> bool:
    return text != "" and not re.search("[\0-\x1f\x7f]", text) and _is_unicode(text)


def _is_unicode(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)


def optional(text: Text) -> PlainValidator:
    """The same text, or "" for "not set"."""
    return PlainValidator(Text(f'{text.expects}; or ""', lambda value: value == "" or text.accepts(value)))


LOCAL_PATH = Text("a path on this machine, without quotes and other special characters", _is_local_path)
URL = Text('a URL is "https://host/path", without user, password or special characters', names.is_web_url)
PLAIN_URL = Text('a URL is "https://host/path", without user, password or "?"', names.is_plain_web_url)
EMAIL = Text('an e-mail address is "name@example.com"', names.is_email)
IMAGE = Text('an image is "name:tag" or "registry/name@sha256:...", in lower case', names.is_image)
URL_PATH = Text('a URL\'s path is "/health": letters, digits and . _ ~ : @ + , = - between slashes', _is_url_path)
AMOUNT = Text('a number of CPUs is "0.5" or "2", in quotes', _is_amount)
MEMORY = Text('an amount of memory is "512M" or "2G"', _matches(r"[1-9][0-9]{0,9}(?:\.[0-9]{1,3})?[kmgKMG][bB]?"))
STAGE = Text("a build stage is letters, digits and . _ -", _matches(r"[A-Za-z][A-Za-z0-9._-]{0,63}"))
RESTIC = Text(
    'a restic repository is "sftp:user@host:/path", "rest:https://host/", "s3:https://host/bucket" or a path; '
    "user and password go in NAME.env",
    names.is_restic_repository,
)
ADDRESS = Text('an address is a host name, an IPv4 or an IPv6 address, or "local"', names.is_address)
GATEWAY = Text('a gateway is "user@host:port"', names.is_gateway)

Name = Annotated[
    str,
    PlainValidator(
        Text("a name is 2 to 31 of a-z, 0-9 and -, a letter first", _matches(r"[a-z][a-z0-9-]{1,30}")),
    ),
]
Domain = Annotated[str, PlainValidator(DomainText())]
Email = Annotated[str, optional(EMAIL)]
Address = Annotated[str, PlainValidator(ADDRESS)]
OptionalAddress = Annotated[str, optional(ADDRESS)]
Gateway = Annotated[str, optional(GATEWAY)]
Port = Annotated[int, PlainValidator(Whole("a port", 1, 65535))]
Days = Annotated[int, PlainValidator(Whole("a number of days", 1, 36500))]
Count = Annotated[int, PlainValidator(Whole("this", 1, 1000))]
Burst = Annotated[int, PlainValidator(Whole("a burst", 0, 100000))]
User = Annotated[
    str, PlainValidator(Text("a user's name is a-z, 0-9, _ and -, a letter first", _matches(names.USER)))
]
OwnDirectory = Annotated[
    PurePosixPath,
    PlainValidator(
        PathText(
            'an absolute path such as "/opt/name", none of the system\'s own, without "..", spaces and special characters',
            _is_own_directory,
        )
    ),
]
InnerDirectory = Annotated[
    PurePosixPath,
    PlainValidator(
        PathText(
            'an absolute path in the container such as "/app/data", without "..", spaces and special characters',
            _is_inner_directory,
        )
    ),
]
RelativePath = Annotated[
    str,
    PlainValidator(
        Text('a path inside the repository, "." or "a/b", without "..", spaces and special characters', names.is_relative)
    ),
]
LocalPath = Annotated[str, PlainValidator(LOCAL_PATH)]
OptionalLocalPath = Annotated[str, optional(LOCAL_PATH)]
Repository = Annotated[
    str,
    PlainValidator(
        Text('a git URL: "https://host/path", "git@host:path", "ssh://..." or a path; no password in it', names.is_repository)
    ),
]
Ref = Annotated[
    str, PlainValidator(Text("a branch, a tag or a commit: letters, digits and . _ / # + @ -", names.is_ref))
]
Image = Annotated[str, PlainValidator(IMAGE)]
OptionalImage = Annotated[str, optional(IMAGE)]
Stage = Annotated[str, optional(STAGE)]
Memory = Annotated[str, optional(MEMORY)]
Cpus = Annotated[str, optional(AMOUNT)]
UrlPath = Annotated[str, PlainValidator(URL_PATH)]
OptionalUrlPath = Annotated[str, optional(URL_PATH)]
Url = Annotated[str, PlainValidator(PLAIN_URL)]
OptionalUrl = Annotated[str, optional(URL)]
OptionalPlainUrl = Annotated[str, optional(PLAIN_URL)]
Origin = Annotated[
    str,
    PlainValidator(
        Text('an origin is "https://host" or "https://host:port", lower case, no slash at its end, no "*"', names.is_origin)
    ),
]
Nameserver = Annotated[
    str, PlainValidator(Text('a name server is "192.0.2.1" or "192.0.2.1:53"', names.is_nameserver))
]
Registry = Annotated[
    str, PlainValidator(Text('a registry is "host:port" or a network "10.0.0.0/8"', names.is_registry))
]
Subnet = Annotated[
    str,
    PlainValidator(Text('a private IPv4 network, /16 to /28, such as "172.30.77.0/24"', names.is_private_subnet)),
]
Policy = Annotated[
    str,
    PlainValidator(
        Text(
            'directives separated by ";", each once, without ", $, \\ and braces; {api} stands for the API\'s origin',
            _is_policy,
        )
    ),
]
Rate = Annotated[
    str, PlainValidator(Text('a rate is "10r/s", "300r/m" or "off"', _matches(r"[1-9][0-9]{0,5}r/[sm]|off")))
]
Schedule = Annotated[
    str, PlainValidator(Text('a schedule is five fields of cron, such as "0 2 * * *"', is_schedule))
]
FirewallRule = Annotated[
    str, PlainValidator(Text('a rule is "8080", "51820/udp" or "6000:6010/tcp"', _is_firewall_rule))
]
Offsite = Annotated[str, optional(RESTIC)]
Variable = Annotated[str, PlainValidator(VariableName())]
Value = Annotated[str, PlainValidator(Text("a text in quotes, on one line", _is_one_line))]
Word = Annotated[str, PlainValidator(Text("a word of a command, in quotes, without control characters", _is_word))]

ListField = Field(strict=False)
Words = Annotated[tuple[Word, ...], ListField]
Domains = Annotated[tuple[Domain, ...], ListField]
Origins = Annotated[tuple[Origin, ...], ListField]
Nameservers = Annotated[tuple[Nameserver, ...], ListField]
Urls = Annotated[tuple[Url, ...], ListField]
Registries = Annotated[tuple[Registry, ...], ListField]
FirewallRules = Annotated[tuple[FirewallRule, ...], ListField]
