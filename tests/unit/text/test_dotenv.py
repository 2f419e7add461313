"""Lines of .env, read back byte for byte: by Compose where it is here, and by its rules written down once more."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployer.text.dotenv import can_hold, is_secret, line

VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")).filter(can_hold)
AWKWARD = [
    "",
    " ",
    "plain",
    "a b",
    " leading and trailing ",
    "$HOME ${HOME} $(id) `id` $$",
    "it's",
    "''",
    '"quoted"',
    "'single'",
    "a # comment",
    "#hash",
    "a=b=c",
    "back\\slash",
    "\\n",
    "a\\\\b",
    "%s %(x)s {x}",
    "ž🐎\u00a0\u2028",
    "\ttab",
    "a;b&c|d",
    "!history",
    "postgres://user:p@ss'word@db:5432/x?a=b#c",
]


def compose_reads(text: str) -> dict[str, str]:
    """The rules of compose-go's dotenv/parser.go, for files whose lines are NAME=VALUE or NAME='VALUE'."""
    values = {}
    while text := text.lstrip():
        name, _, text = text.partition("=")
        if text.startswith("'"):
            values[name], text = _single_quoted(text[1:])
        else:
            value, _, text = text.partition("\n")
            value = value.partition(" #")[0].rstrip()
            assert "$" not in value, "would be expanded"
            assert not value.startswith('"'), "would be unquoted"
            values[name] = value
    return values


def _single_quoted(text: str) -> tuple[str, str]:
    """A backslash escapes a quote and nothing else; it stands for itself otherwise, two of them for two."""
    value, escaped = "", False
    for place, char in enumerate(text):
        if char == "'" and not escaped:
            return value, text[place + 1 :]
        if char == "\\" and not escaped:
            escaped = True
            continue
        value += f"\\{char}" if escaped and char != "'" else char
        escaped = False
    raise AssertionError("the quote is not closed")


@given(st.lists(VALUE, max_size=8))
@example(AWKWARD)
def test_byte_for_byte(values: list[str]) -> None:
    """Any value that can be held comes back as it was, in a file with others."""
    wanted = {f"V{number}": value for number, value in enumerate(values)}
    text = "".join(f"{line(name, value)}\n" for name, value in wanted.items())
    assert compose_reads(text) == wanted


@given(VALUE.filter(lambda value: "\\" not in value))
def test_second_opinion(value: str) -> None:
    """python-dotenv reads the same where its rules are Compose's: it unescapes a backslash in single quotes."""
    assert dotenv_values(stream=io.StringIO(line("V", value) + "\n"), interpolate=False) == {"V": value}


def has_compose() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="docker compose is not here")
@settings(max_examples=20, deadline=None)
@given(st.lists(VALUE, min_size=1, max_size=40))
@example(AWKWARD)
def test_compose_itself(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    """Compose gives a container the value byte for byte (`config` shows `$` doubled)."""
    wanted = {f"V{number}": value for number, value in enumerate(values)}
    assert _read_by_compose(tmp_path_factory.mktemp("compose"), wanted) == wanted


def _read_by_compose(directory: Path, values: dict[str, str]) -> dict[str, str]:
    (directory / ".env").write_text("COMPOSE_PROJECT_NAME=x\n")
    (directory / "values.env").write_text("".join(f"{line(name, value)}\n" for name, value in values.items()))
    (directory / "compose.yml").write_text("services: {a: {image: x, env_file: [values.env]}}\n")
    words = ["docker", "compose", "-f", str(directory / "compose.yml"), "config", "--format", "json"]
    shown = subprocess.run(words, cwd=directory, capture_output=True, check=True)
    environment = json.loads(shown.stdout)["services"]["a"]["environment"]
    return {name: value.replace("$$", "$") for name, value in environment.items()}


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "end\\", "a\\'b"])
def test_what_cannot_be_held(value: str) -> None:
    """A newline, and a backslash before a quote or at the end, are refused and never written wrongly."""
    assert not can_hold(value)
    with pytest.raises(ValueError, match="cannot hold"):
        line("NAME", value)


def test_one_line() -> None:
    """A value is one line without its newline; a plain one is written without quotes."""
    assert line("A", "https://example.com:8443/x?") == "A='https://example.com:8443/x?'"
    assert line("A", "https://example.com,https://www.example.com") == "A=https://example.com,https://www.example.com"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("API_SECRET_KEY", True),
        ("DB_PASSWORD", True),
        ("GITHUB_TOKEN", True),
        ("DATABASE_URL", True),
        ("stripe_token", True),
        ("vault-passphrase", True),
        ("\u017fecret", False),
        ("DOMAIN", False),
        ("CORS_ORIGINS", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    """The name shows that it is a secret, in upper or lower case; here and on the host."""
    assert is_secret(name) is secret
