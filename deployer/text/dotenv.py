"""Lines of .env that Compose reads back byte for byte (compose-go's dotenv parser, dotenv/parser.go)."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")

SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DATABASE_URL")
"""A variable whose name holds one of these is treated as a secret wherever it stands."""


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
