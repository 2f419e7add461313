"""One rule decides which variables are secrets; each script on the host follows deployer/text/dotenv.py."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deployer.engine.changes import Script, Stop
from deployer.engine.facts import Answer, Facts
from deployer.engine.host_program import call
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.site.env import variables
from deployer.steps import environment
from deployer.text.dotenv import SECRET_WORDS, can_hold, is_secret, line
from tests.support.fakes import IS_ROOT, inventory, run_here
from tests.unit.remote.installed import env_facts, install

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the file is root's, as on a host")
ROOT = Path(__file__).parents[3]
MANAGED = inventory()
TOOLS_OWN = {*variables(MANAGED), "API_SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD", "DATABASE_URL"}


@dataclass(frozen=True)
class Entry:
    """A variable of .env: its name, all in front of its value, the value as a program gets it and as it is written."""

    head: str
    name: str
    value: str
    written: str

    @property
    def core(self) -> str:
        """A part of the value that stands nowhere else."""
        found = re.search(r"hunter\d+x", self.value)
        assert found
        return found[0]


def in_any_case(word: str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from((sign.lower(), sign.upper())) for sign in word)).map("".join)


SIGNS = st.text("abcxyzABCXYZ0189_.-[]", max_size=6)
WORDS = st.sampled_from((*SECRET_WORDS, "DOMAIN", "SENTRY_DSN", "KE", "TOKE", "PASS", "DATABASE")).flatmap(in_any_case)
NAMES = st.tuples(st.sampled_from("aZ_"), SIGNS, WORDS | st.just(""), SIGNS).map("".join)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8) | st.sampled_from(
    (
        "it's",
        '"quoted"',
        "'single",
        "a=b==",
        "$HOME $(id)",
        "back\\slash",
        "\\n",
        "a # b",
        " ",
        "ž🐎",
        "&|/[]*.^",
        "a: b",
    )
)


def written(value: str, form: str) -> str:
    """The value in one of the forms that Compose reads; single quotes where the form cannot hold it."""
    if form == "bare" and value.strip() == value and not re.search(r"^['\"]|\s#", value):
        return value
    if form == "double":
        return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
    return line("", value)[1:] if can_hold(value) else line("", re.sub(r"[\\']", "", value))[1:]


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    names = draw(st.lists(NAMES.filter(lambda name: name not in TOOLS_OWN), min_size=3, max_size=25, unique=True))
    return [_entry(draw, name, number) for number, name in enumerate(names)]


def _entry(draw: st.DrawFn, name: str, number: int) -> Entry:
    form, before, after = draw(st.sampled_from(("bare", "single", "double"))), draw(VALUES), draw(VALUES)
    value = f"{before}hunter{number}x{after}"
    if form != "double" and not can_hold(value):
        value = re.sub(r"[\\']", "", value)
    head = draw(st.sampled_from(("{}=", "{}=", "export {}=", "  {} = ", "{}: "))).format(name)
    return Entry(head, name, value, written(value, form))


def file_in(directory: Path, found: Iterable[Entry], end: str = "\n", listed: str = "") -> Inventory:
    """A host whose .env holds these entries, the last one without a newline."""
    host = MANAGED.model_copy(update={"root": PurePosixPath(directory)})
    head = f"{environment.MARKER}\n" + (f"# secrets: {listed}\n" if listed else "")
    text = head + end.join(f"{entry.head}{entry.written}" for entry in found)
    Path(host.paths.env).write_bytes(text.encode())
    return host


def after(text: str, path: Path) -> list[str]:
    """The lines of .env, without what the tool adds, once a script has run."""
    ran = run_here(text, PAYLOAD="/dev/null")
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    return path.read_text().split("\n")


cheaply = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ENDS = st.sampled_from(("\n", "\r\n"))
LOWER = [Entry("stripe_token=", "stripe_token", "hunter0x", "hunter0x")]
DASHED = [Entry("export my.api-key = ", "my.api-key", "hunter0x # y", "'hunter0x # y'")]


@cheaply
@given(found=entries(), end=ENDS)
@example(found=LOWER, end="\n")
@example(found=DASHED, end="\r\n")
def test_shown_and_compared(tmp_path: Path, found: list[Entry], end: str) -> None:
    """Neither the probe nor the difference of a dry run prints a secret; other values are shown."""
    host = file_in(tmp_path, found, end, listed=found[-1].name)
    facts = env_facts(host)
    printed = facts["env"]
    for entry in found:
        secret = is_secret(entry.name, [found[-1].name])
        assert (entry.core not in printed) is secret, entry
        assert secret or f"{entry.head}{entry.written}" in printed.replace("\r", "")
    try:
        (change,) = environment.plan(host, facts)
        assert isinstance(change, Script)
        text = f"{change.why}{change.script}{change.diff}"
    except Stop as stop:
        text = str(stop.problems)
    assert not [entry for entry in found if is_secret(entry.name, [found[-1].name]) and entry.core in text]


@cheaply
@given(found=entries(), end=ENDS)
@example(found=LOWER, end="\n")
@example(found=DASHED, end="\r\n")
def test_written(tmp_path: Path, found: list[Entry], end: str) -> None:
    """Writing .env keeps each secret as it is written there, byte for byte, and nothing else; then nothing is to do."""
    found = [entry for entry in found if not entry.name.endswith("_SECRET_KEY")]
    host = file_in(tmp_path, found, end)
    secrets = [entry for entry in found if is_secret(entry.name)]
    (change,) = environment.plan(host, env_facts(host))
    assert isinstance(change, Script)
    there = after(change.script, Path(host.paths.env))
    assert [text for text in there if re.search(r"hunter\d+x", text)] == [
        f"{one.name}={one.written}" for one in secrets
    ]
    assert not list(environment.plan(host, env_facts(host)))


@cheaply
@given(found=entries(), end=ENDS)
@example(found=LOWER, end="\n")
@example(found=DASHED, end="\r\n")
def test_masked(tmp_path: Path, found: list[Entry], end: str) -> None:
    """A secret is masked in what a program prints, in the form in which the program gets it; other values pass."""
    host = file_in(tmp_path, found, end, listed=found[-1].name)
    words = ["bash", "-c", f'{script("engine/mask.sh")}\nmask "$1"', "bash", str(host.paths.env)]
    text = "".join(f"{number} <{entry.value}>\n" for number, entry in enumerate(found))
    ran = subprocess.run(words, input=text.encode(), capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    for entry, shown in zip(found, ran.stdout.decode().split("\n"), strict=False):
        secret = is_secret(entry.name, [found[-1].name])
        assert (entry.core in shown) is not (secret and len(entry.value.encode()) >= 8), (entry, shown)


@cheaply
@given(found=entries(), end=ENDS)
@example(found=LOWER, end="\n")
@example(found=DASHED, end="\r\n")
def test_rolled_back(tmp_path: Path, found: list[Entry], end: str) -> None:
    """Going back to a release keeps today's secrets, each once, and takes every other line from the release."""
    listed = [found[-1].name]
    host = file_in(tmp_path, found, end, listed=found[-1].name)
    (tmp_path / "former").write_text("# managed\nDOMAIN=former.example.com\n")
    install(host)
    there = after(call(host, "environment", "restore", str(tmp_path / "former")), Path(host.paths.env))
    assert there[:3] == ["# managed", f"# secrets: {listed[0]}", "DOMAIN=former.example.com"]
    expected = {f"{one.name}={one.written}" for one in found if is_secret(one.name, listed)}
    assert sorted(there[3:-1]) == sorted(expected)


@pytest.mark.parametrize(
    "text",
    [
        "# stripe_token=hunter0x",
        "# SENTRY_DSN=hunter0x",
        "# hunter0x",
        "api_key: hunter0xY=",
        'PEM_KEY="first\nhunter0x=\nlast"\nDOMAIN=x',
        "PEM_KEY='first\nhunter0x=\nDOMAIN=x",
        "NOTE='first\nhunter0x_token=\nDOMAIN=x",
        "stripe_token=hunter0x\nstripe_token=",
        "stripe_token\t=\thunter0x",
    ],
)
def test_unusual_lines(tmp_path: Path, text: str) -> None:
    """Comments, YAML's colon, values of several lines, quotes that never end: no part of a secret is shown."""
    host = file_in(tmp_path, [])
    with Path(host.paths.env).open("a") as file:
        file.write(f"# secrets: SENTRY_DSN\n{text}\n")
    shown = env_facts(host)["env"]
    assert "hunter0x" not in shown.replace("hunter0x_token=[secret", "")


def test_several_lines(tmp_path: Path) -> None:
    """A quoted key of several lines is kept with all of them, masked line by line, and then nothing is to do."""
    key = "'-----BEGIN KEY-----\nhunter0xhunter0x=\n-----END KEY-----'"
    host = file_in(tmp_path, [Entry("push_key=", "push_key", key, key)])
    (change,) = environment.plan(host, env_facts(host))
    assert isinstance(change, Script)
    assert f"push_key={key}\n" in "\n".join(after(change.script, Path(host.paths.env)))
    assert not list(environment.plan(host, env_facts(host)))
    words = ["bash", "-c", f'{script("engine/mask.sh")}\nmask "$1"', "bash", str(host.paths.env)]
    ran = subprocess.run(words, input=f"{key}\n", capture_output=True, text=True, check=True)
    assert ran.stdout == "'-----BEGIN KEY-----\n[secret]\n-----END KEY-----'\n"


def test_quote_that_never_ends(tmp_path: Path) -> None:
    """Compose could not read such a file: the run stops before it changes anything."""
    host = file_in(tmp_path, [Entry("stripe_token=", "stripe_token", "hunter0x", "'hunter0x")])
    with pytest.raises(Stop) as caught:
        list(environment.plan(host, env_facts(host)))
    (problem,) = caught.value.problems
    assert problem.text == f"stripe_token in {host.paths.env} begins with a quote that never ends"


def test_set_in_both_files() -> None:
    """A variable of [environment] that NAME.env supplies too would never be found equal: the run stops, by its name."""
    host = inventory({"SENTRY_DSN": "hunter0x"}, environment={"SENTRY_DSN": "hunter1x"})
    with pytest.raises(Stop) as caught:
        list(environment.plan(host, Facts({"env": Answer("")})))
    (problem,) = caught.value.problems
    assert problem.text.startswith("SENTRY_DSN is set in [environment] and in ")
    assert "hunter" not in problem.text + problem.remedy


def test_empty_one_of_the_operators_stays_empty(tmp_path: Path) -> None:
    """`SMTP_PASSWORD=` says that there is none: no random one is put there."""
    host = file_in(tmp_path, [Entry("SMTP_PASSWORD=", "SMTP_PASSWORD", "", "")])
    (change,) = environment.plan(host, env_facts(host))
    assert isinstance(change, Script)
    assert "SMTP_PASSWORD=" in after(change.script, Path(host.paths.env))


def test_the_tools_own_variables_are_no_secrets() -> None:
    """They are compared and shown; a name that contains one of the words would never be found equal."""
    names = variables(inventory(postgres={"enabled": True}))
    assert [name for name in names if is_secret(name)] == []


def test_the_words_are_written_once() -> None:
    """No other file of the product lists them."""
    owner = ROOT / "deployer" / "text" / "dotenv.py"
    files = [path for path in (ROOT / "deployer").rglob("*") if path.suffix in (".py", ".sh") and path != owner]
    pattern = re.compile(r"(?:SECRET|PASSWORD|TOKEN|KEY)\W{1,4}(?:SECRET|PASSWORD|TOKEN|KEY)\b")
    assert [path.name for path in files if pattern.search(path.read_text())] == []
