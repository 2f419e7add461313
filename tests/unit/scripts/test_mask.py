"""mask.sh with real bash, and masking.py: no secret of .env passes, and both mask the same."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deployer.engine.program import script
from deployer.remote.masked import masked as masked_by_python
from deployer.remote.masking import secrets_of
from deployer.text.dotenv import SECRET_WORDS, can_hold, line

SECRET = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"), min_size=8).filter(
    lambda text: can_hold(text) and text.strip() == text
)


def masked(directory: Path, env: str, text: str) -> str:
    (directory / ".env").write_text(env)
    words = ["bash", "-c", f'{script("engine/mask.sh")}\nmask "$1"', "bash", str(directory / ".env")]
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    printed = subprocess.run(words, input=text.encode(), capture_output=True, check=True, env=environment).stdout
    assert masked_by_python(text.encode(), secrets_of(directory / ".env", SECRET_WORDS)) == printed
    return printed.decode()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SECRET)
@example("it's-a-secret")
@example('say "friend" and enter')
@example("a/b&c*d[e]f.g$h^i\\j")
@example("'quoted all around'")
def test_any_secret(tmp_path: Path, secret: str) -> None:
    """As a program prints it, wherever in a line, whatever signs it is made of."""
    text = masked(tmp_path, f"{line('API_SECRET_KEY', secret)}\n", f"before {secret} after\nother {secret}{secret}\n")
    assert text == "before [secret] after\nother [secret][secret]\n"


@pytest.mark.parametrize("name", ["API_SECRET_KEY", "DB_PASSWORD", "X_TOKEN", "DATABASE_URL", "DATABASE_URL_2"])
def test_names(tmp_path: Path, name: str) -> None:
    """The name tells a secret."""
    assert masked(tmp_path, f"{name}=hunter2-hunter2\n", "hunter2-hunter2") == "[secret]"


def test_names_that_say_nothing(tmp_path: Path) -> None:
    """A name in the file's line of secrets counts, too."""
    env = "# secrets: SENTRY_DSN OTHER\nSENTRY_DSN=hunter2-hunter2\nOTHER=hunter3-hunter3\nDOMAIN=example.com\n"
    assert masked(tmp_path, env, "hunter2-hunter2 hunter3-hunter3 example.com") == "[secret] [secret] example.com"


def test_what_is_no_secret(tmp_path: Path) -> None:
    """Other values and other lines pass as they are."""
    text = "example.com\n\x1edone 1\nž🐎\n"
    assert masked(tmp_path, "DOMAIN=example.com\nAPI_SECRET_KEY=hunter2-hunter2\n", text) == text


@pytest.mark.parametrize(
    ("env", "printed"),
    [
        ("A_KEY='it\\'s-a-$ecret'", "it's-a-$ecret"),
        ('A_KEY="with \\"quotes\\" in it"', 'with "quotes" in it'),
        ('A_KEY="with\\ta tab, \\x41 and \\0102"', "with\ta tab, A and B"),
        ('A_KEY="a \\$dollar and \\q"', "a $dollar and \\q"),
        ("a_password=lower-case", "lower-case"),
        ("A_TOKEN='\"in quotes\"'", '"in quotes"'),
        ("A_SECRET=a=b=c=d=e", "a=b=c=d=e"),
        ("export A_SECRET : with-colon # comment", "with-colon"),
        ("A_SECRET=windows-line\r", "windows-line"),
        ("A_KEY='never-closed\nB=other", "'never-closed"),
        ("A_KEY='first-line\nsecond-line'", "second-line"),
        ("A_KEY='first-line\nB_TOKEN=inner-token\nlast-line'", "inner-token"),
    ],
)
def test_forms(tmp_path: Path, env: str, printed: str) -> None:
    """As programs print it: without quotes, without escapes, each line by itself; an unclosed one is one line."""
    assert masked(tmp_path, f"{env}\n", f"<{printed}>\n") == "<[secret]>\n"


@pytest.mark.parametrize("text", ["-----BEGIN PRIVATE KEY-----", "short"])
def test_what_anybody_may_print(tmp_path: Path, text: str) -> None:
    """The frame of a PEM file, and what is shorter than eight characters."""
    assert masked(tmp_path, f"A_KEY='{text}\nbody-of-the-key'\n", f"{text}\n") == f"{text}\n"


def test_one_inside_another(tmp_path: Path) -> None:
    """Of two secrets that begin alike the longer one leaves nothing behind."""
    env = "A_TOKEN=hunter2-hunter2\nB_TOKEN=hunter2-hunter2-and-more\n"
    assert masked(tmp_path, env, "hunter2-hunter2-and-more\n") == "[secret]\n"


def test_no_env(tmp_path: Path) -> None:
    """Before there is a .env everything passes."""
    words = ["bash", "-c", f"{script('engine/mask.sh')}\nmask /nowhere"]
    ran = subprocess.run(words, input=b"text\n", capture_output=True, check=True)
    assert ran.stdout == b"text\n"
