"""Templates: nothing is left empty, and no value leaves its place in nginx or a shell."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from deployer.site import maintenance
from deployer.site.rendering import nginx_text, nginx_word, render
from deployer.text.marker import MARKER
from tests.unit.site.test_nginx import example

COMMENTED = (
    "nginx.conf",
    "site.conf",
    "upstreams",
    "wallet.conf",
    "logrotate",
    "Dockerfile.backend",
    "Dockerfile.backend.dockerignore",
    "Dockerfile.wallet",
)

# What nginx's parser does with a file's text (ngx_conf_read_token), as far as one directive is concerned.
_TOKEN = re.compile(r'"(?P<quoted>(?:[^"\\$]|\\.)*)"|(?P<bare>[^\s;{}"\'#\\$][^\s;{}\\$]*)')


def words(directive: str) -> list[str]:
    """The words of a text that is one directive and nothing else; raise ValueError for any other."""
    found, rest = [], directive
    while rest != ";":
        token = _TOKEN.match(rest := rest.lstrip(" "))
        if not token:
            raise ValueError(directive)
        found.append(token["quoted"] if token["bare"] is None else token["bare"])
        rest = rest[token.end() :]
    return found


@pytest.mark.parametrize("name", COMMENTED)
def test_every_file_says_whose_it_is(name: str) -> None:
    """The marker stands in the first line."""
    values = {"host": example(), "backends": ["a"], "wallets": ["b"], "hashed": "x", "maintenance": maintenance}
    text = render(name, **values, said="down")
    assert text.splitlines()[0] == f"# {MARKER}"
    assert text.endswith("\n")


def test_a_missing_value_is_an_error() -> None:
    """Nothing is rendered with a hole in it."""
    with pytest.raises(UndefinedError):
        render("upstreams", host=example(), backends=["a"])


@given(st.text())
def test_a_word_stays_one_word(text: str) -> None:
    """Whatever the filter lets pass is one word of the directive it stands in; all else is refused."""
    try:
        word = nginx_word(text)
    except ValueError:
        return
    assert words(f"server_name {word};") == ["server_name", text]


@given(st.from_regex(r"[A-Za-z0-9_.,:/@%+=*~-]{0,5}[\n\r\0;{}#\"'\\$ ]?[A-Za-z0-9._-]{0,5}", fullmatch=True))
def test_what_means_something_to_nginx_is_no_word(text: str) -> None:
    """A word is refused exactly if it is empty or holds such a letter."""
    special = not text or re.search("[\n\r\0;{}#\"'\\\\$ ]", text)
    if special:
        with pytest.raises(ValueError, match="not a word"):
            nginx_word(text)
    else:
        assert nginx_word(text) == text


@given(st.text(st.characters(codec="ascii")) | st.text())
def test_a_text_stays_in_its_quotes(text: str) -> None:
    """As for a word; a variable is not expanded either."""
    try:
        quoted = nginx_text(text)
    except ValueError:
        return
    assert words(f"add_header Name {quoted} always;") == ["add_header", "Name", text, "always"]


@pytest.mark.parametrize("text", ['a"b', "a\\", "$host", "a\nb", "a\rb", "a\0b", "é"])
def test_what_would_end_the_quotes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a text"):
        nginx_text(text)


@pytest.mark.parametrize("text", ["default-src 'self'; img-src data:", "a{b}#c"])
def test_what_means_nothing_in_quotes_passes(text: str) -> None:
    assert nginx_text(text) == f'"{text}"'


def test_names_in_the_scripts_of_logrotate_are_quoted() -> None:
    """Each command of the scripts is one that a shell reads as it is written."""
    for line in render("logrotate", host=example()).splitlines():
        if "--filter" in line:
            assert "label=com.docker.compose.project=biometric-did" in shlex.split(line.replace(")", " "))
