"""NAME.env: the secrets that the operator supplies. No value of it is ever shown."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from stat import S_IMODE

from dotenv.parser import Binding, parse_stream

from deployer.inventory.mistakes import Mistake, shown, shown_path
from deployer.secret import Secret

SHORTEST_KEY = 32

_PLACEHOLDER = re.compile(r"<.*|\.{3,}|x{3,}|change[-_ ]?(?:me|this|it)\b.*|your[-_ ].*|(?:todo|replace)\b.*", re.I)


def read_secrets(file: Path) -> tuple[dict[str, Secret], list[Mistake]]:
    """Its secrets and its mistakes; both are empty for a host without such a file."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError:
        return {}, [Mistake("", "this is not UTF-8 text")]
    except OSError as error:
        return {}, [Mistake("", f"cannot be read: {error.strerror}")]
    bindings = [binding for binding in parse_stream(StringIO(text)) if binding.key or binding.error]
    mistakes = [
        *_mode(file),
        *(mistake for binding in bindings for mistake in _wrong(binding)),
        *_twice(bindings),
    ]
    return {binding.key: Secret(binding.value or "") for binding in bindings if binding.key}, mistakes


def _mode(file: Path) -> Iterator[Mistake]:
    mode = S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        yield Mistake("", f"other users can read it (mode {mode:04o}): run chmod 600 {shown_path(file)}")


def _wrong(binding: Binding) -> Iterator[Mistake]:
    key, value = binding.key or "", binding.value
    if binding.error or value is None:
        yield Mistake(f"line {binding.original.line}", "expected NAME=value or a # comment")
    elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", key):
        yield Mistake(shown(key), "a name is letters, digits and _, not beginning with a digit")
    elif reason := _unusable(key, value):
        yield Mistake(key, reason)


def _unusable(key: str, value: str) -> str:
    if not value:
        return "it is empty: set a value or remove the line"
    if _PLACEHOLDER.fullmatch(value):
        return "it is still a placeholder: set a value or remove the line"
    if re.search("[\0\r\n]", value):
        return "a value must be on one line"
    if key.upper().endswith("_SECRET_KEY") and len(value.encode()) < SHORTEST_KEY:
        return f"a key has at least {SHORTEST_KEY} bytes: remove the line and one is generated on the host"
    return ""


def _twice(bindings: list[Binding]) -> Iterator[Mistake]:
    keys = [binding.key for binding in bindings if binding.key]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Mistake(shown(key), "it is set twice")
