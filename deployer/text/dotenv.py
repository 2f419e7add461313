"""Lines of .env that Compose reads back byte for byte (compose-go's dotenv parser, dotenv/parser.go)."""

import re
from collections.abc import Collection

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")

SECRET_WORDS = ("SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "KEY", "DATABASE_URL")
"""A variable whose name contains one of these, in upper or lower case, is a secret in every file.

This is the only place that lists them: `engine/program.py` fills them into the scripts that run on a host.
"""

_SECRET_NAME = re.compile("|".join(SECRET_WORDS), re.IGNORECASE | re.ASCII)


def is_secret(name: str, listed: Collection[str] = ()) -> bool:
    """Whether a variable is a secret: by its name, or because the operator listed it as one (SENTRY_DSN)."""
    return name in listed or bool(_SECRET_NAME.search(name))


def line(name: str, value: str) -> str:
    """One line without its newline.

    In single quotes nothing is expanded; only a quote is written with a backslash before it. A backslash before a
    quote or at the end cannot be written that way, and a newline not at all: the inventory refuses them.
    """
    return f"{name}={value if _PLAIN.fullmatch(value) else quoted(value)}"


def quoted(value: str) -> str:
    if not can_hold(value):
        raise ValueError("a value of .env cannot hold a newline, a backslash before a quote, or one at its end")
    return "'" + value.replace("'", "\\'") + "'"


def can_hold(value: str) -> bool:
    return not re.search(r"[\r\n\0]|\\'|\\\Z", value)
