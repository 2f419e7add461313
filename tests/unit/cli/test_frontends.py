"""Both front ends are made from one definition: the same commands, options and help; Invoke's own traps are refused."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from invoke.parser import Parser

from deployer import __version__
from deployer.cli.click import Commands
from deployer.cli.invoke import collection
from deployer.commands import NAMES, TABLE, Entry
from deployer.errors import EXIT_CODES
from deployer.run.command import DRY_RUN

CHECKOUT = Path(__file__).parents[3]
TASKS = collection(TABLE)
CONTEXTS = {context.name: context for context in TASKS.to_contexts()}


def clicked(name: str) -> click.Command:
    group = Commands()
    found = group.get_command(click.Context(group), name)
    assert found
    return found


def invoke(*words: str) -> "subprocess.CompletedProcess[str]":
    """Invoke as a person runs it in the checkout; there is no host it could reach."""
    inventory = {"DEPLOYER_INVENTORY": "/nonexistent", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    program = [sys.executable, "-m", "invoke", *words]
    return subprocess.run(program, cwd=CHECKOUT, env=inventory, capture_output=True, text=True, check=False, timeout=60)


def test_both_offer_the_same_commands() -> None:
    """Those of the table, each under its name."""
    assert list(NAMES) == Commands().list_commands(click.Context(Commands()))
    assert set(NAMES) == set(CONTEXTS)


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_both_offer_the_same_options(entry: Entry) -> None:
    """Each option has the same name and the same help, and takes a value in both or in neither."""
    definition = entry.load()
    argument = {definition.argument.name} if definition.argument else set()
    in_invoke = {
        name: (found.help, found.kind is bool)
        for name, found in CONTEXTS[entry.name].args.items()
        if name not in argument
    }
    in_click = {
        option.opts[0].removeprefix("--"): (option.help, option.is_flag)
        for option in clicked(entry.name).params
        if isinstance(option, click.Option)
    }
    assert in_invoke == in_click
    assert set(in_click) == {option.name for option in definition.options}
    assert all(text for text, _ in in_click.values())


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_the_help_of_a_command(entry: Entry) -> None:
    """Its summary, its argument, examples, the exit codes: the same in both, but for the program's name."""
    definition = entry.load()
    ours, theirs = (clicked(entry.name).help or "").replace("\b\n", ""), TASKS[entry.name].__doc__ or ""
    assert ours.replace(f"deployer {entry.name}", f"invoke {entry.name}") == theirs
    assert theirs.split("\n\n")[0] == entry.summary
    assert not definition.argument or definition.argument.help in theirs
    assert ("  6    " in theirs) is (DRY_RUN in definition.options)


@pytest.mark.parametrize(
    ("name", "example"), [(entry.name, example) for entry in TABLE for example in entry.load().examples]
)
def test_an_example_is_understood_by_both(name: str, example: str) -> None:
    """Every command has one; its options and its argument exist."""
    words = shlex.split(example.partition(">")[0])
    clicked(name).make_context(name, list(words))
    (parsed,) = Parser(CONTEXTS.values()).parse_argv([name, *words])
    assert parsed.name == name


def test_every_command_has_an_example() -> None:
    assert [entry.name for entry in TABLE if not entry.load().examples] == []


def said(*words: str) -> tuple[int, str]:
    """The exit code and all that is printed."""
    ran = CliRunner().invoke(Commands(), words, env={"DEPLOYER_INVENTORY": "/nonexistent"})
    return ran.exit_code, ran.output


def test_the_version() -> None:
    assert said("--version") == (0, f"deployer {__version__}\n")


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(name: str) -> None:
    """`deployer help NAME` is `deployer NAME --help`."""
    assert said("help", name) == said(name, "--help")


def test_help_without_a_name() -> None:
    assert said("help") == said("--help")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("provison",), "Did you mean provision?"),
        (("help", "updtae"), "Did you mean update?"),
        (("backp", "--host", "x"), "Did you mean backup or backups?"),
        (("zzz",), "No such command 'zzz'."),
    ],
)
def test_a_command_that_is_misspelt(words: tuple[str, ...], meant: str) -> None:
    code, text = said(*words)
    assert (code, meant in text) == (2, True), text


class TestSharedOptions:
    """`deployer --host prod status`, as well as `deployer status --host prod`."""

    def test_before_the_command(self) -> None:
        code, text = said("--host", "prod", "--inventory", "/none", "status")
        assert (code, "/none" in text, "prod" in text) == (2, True, True), text

    def test_what_stands_after_the_command_wins(self) -> None:
        assert "/two" in said("--inventory", "/one", "status", "--inventory", "/two", "--host", "x")[1]

    def test_a_flag(self) -> None:
        """As JSON: an error is an event then."""
        assert '"event": "error"' in said("--json", "status")[1]

    def test_one_that_the_command_does_not_have(self) -> None:
        """It is refused: nothing that is given is without effect."""
        code, text = said("--host", "prod", "schema")
        assert (code, "schema has no option --host" in text) == (2, True)


def test_the_list_of_commands_is_complete() -> None:
    """By group, with every summary to its last word and every exit code."""
    shown = CliRunner().invoke(Commands(), ["--help"]).output
    words = " ".join(shown.split())
    for entry in TABLE:
        assert f"{entry.name} {entry.summary}" in words
        assert f"{entry.group}:" in shown
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in words


HEAVY = {"pydantic", "fabric", "paramiko", "rich", "jinja2", "cryptography", "dns", "yaml", "urllib3"}
_RUN = "try:\n    main()\nexcept SystemExit:\n    pass\n"
_LOADED = _RUN + "print('\\n'.join(sys.modules), file=sys.stderr)\n"


def loaded(*words: str, **environment: str) -> set[str]:
    """The modules that a command line imports, in a process of its own."""
    program = f"import sys\nfrom deployer.__main__ import main\nsys.argv[1:] = {list(words)!r}\n{_LOADED}"
    env = {"PATH": "/usr/bin:/bin", "DEPLOYER_INVENTORY": "/nonexistent", **environment}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.splitlines())


def heavy(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules} & HEAVY


def commands_of(modules: set[str]) -> set[str]:
    return {module for module in modules if module.startswith("deployer.commands.")}


def test_the_help_imports_no_command() -> None:
    """`deployer --help` is the table, printed: none of the large libraries is loaded for it."""
    modules = loaded("--help")
    assert "deployer.commands" in modules
    assert commands_of(modules) == set()
    assert heavy(modules) == set()


def test_completion_imports_no_command() -> None:
    """The names of the commands, too, come from the table alone."""
    completing = {"_DEPLOYER_COMPLETE": "bash_complete", "COMP_WORDS": "deployer st", "COMP_CWORD": "1"}
    modules = loaded(**completing)
    assert "click.shell_completion" in modules
    assert commands_of(modules) == set()
    assert heavy(modules) == set()


@pytest.mark.parametrize(
    "words", [("status", "--help"), ("provision", "--help"), ("provision", "--json")], ids=" ".join
)
def test_a_command_imports_what_it_needs(words: tuple[str, ...]) -> None:
    """Until it connects, verifies, or asks a name server: no SSH, TLS, HTTP or DNS; nor rich before it prints."""
    modules = loaded(*words)
    assert commands_of(modules) <= {f"deployer.commands.{name}" for name in (words[0], "verify")}
    assert heavy(modules) <= {"pydantic", "jinja2", "yaml"}


def test_json_does_not_load_rich() -> None:
    """A program that reads events does not pay for the console."""
    assert "rich" not in heavy(loaded("status", "--json"))
    assert "rich" in heavy(loaded("status"))


def test_completion_offers_the_commands() -> None:
    """By their first letters, with their summaries; and the group's own options."""
    group = Commands()
    context = click.Context(group)
    assert [item.value for item in group.shell_complete(context, "re")] == ["releases", "restore", "renew"]
    assert "--help" in [item.value for item in group.shell_complete(context, "--")]


def test_a_needed_argument_stands_at_its_place_in_both() -> None:
    """`invoke demo up` and `deployer demo up`; where it is not needed Invoke wants --service."""
    parsed = Parser(CONTEXTS.values()).parse_argv(["demo", "up"])
    assert parsed[0].args["action"].value == "up"
    assert Parser(CONTEXTS.values()).parse_argv(["logs", "--service", "nginx"])[0].args["service"].value == "nginx"
    assert next(entry for entry in TABLE if entry.name == "logs").load().argument_needed is False


def test_a_keyword_of_python_is_an_option_in_both() -> None:
    """`--as root`."""
    assert Parser(CONTEXTS.values()).parse_argv(["bootstrap", "--as", "ubuntu"])[0].args["as"].value == "ubuntu"
    assert "as_" in {parameter.name for parameter in clicked("bootstrap").params}


@pytest.mark.parametrize("words", [("--dry", "provision"), ("provision", "--dry")])
def test_invokes_own_dry_run_is_refused(words: tuple[str, ...]) -> None:
    """It would run for real: exit 2, nothing is run, and the right option is named."""
    outcome = invoke(*words)
    assert outcome.returncode == 2
    assert "--dry-run" in outcome.stderr
    assert "inventory" not in outcome.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("provision", "--nope"), "--nope"),
        (("nope",), "nope"),
        (("provision", "-v"), "-v"),
        (("provision", "--host"), "host"),
        (("init",), "name"),
        (("logs", "nginx"), "nginx"),
        (("status", "--host", "a", "--host", "b"), "b"),
        (("--host", "a", "status"), "--host"),
        (("provision", "--dry-run=true"), "true"),
    ],
    ids=" ".join,
)
def test_a_usage_error_of_invoke_exits_1(words: tuple[str, ...], said: str) -> None:
    """Its parser decides that (docs/invoke.md); it says what is wrong, without a traceback."""
    outcome = invoke(*words)
    assert outcome.returncode == 1
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    "words", [("logs", "--host", "web", "--lines", "x"), ("provision",), ("init", "Web!")], ids=" ".join
)
def test_our_usage_errors_exit_2_in_both(words: tuple[str, ...]) -> None:
    """Wrong values and a missing inventory are judged by us."""
    outcome = invoke(*words)
    assert outcome.returncode == 2, outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("provision", "--dry"),
        ("provision", "--nope"),
        ("nope",),
        ("provision", "--host"),
        ("provision", "--dry-run=true"),
        ("provision", "status"),
        ("logs", "--host", "web", "--lines", "x"),
    ],
    ids=" ".join,
)
def test_every_usage_error_of_click_exits_2(words: tuple[str, ...]) -> None:
    """The contract's exit code, which Invoke's parser does not keep."""
    assert CliRunner().invoke(Commands(), words, env={"DEPLOYER_INVENTORY": "/nonexistent"}).exit_code == 2


def test_the_last_of_a_repeated_option_counts_in_click() -> None:
    """Where Invoke refuses it."""
    parsed = clicked("status").make_context("status", ["--host", "a", "--host", "b"])
    assert parsed.params["host"] == "b"


def test_invoke_runs_several_up_to_the_first_that_fails() -> None:
    """The second would name its own host."""
    outcome = invoke("status", "--host", "one", "renew", "--host", "two")
    assert outcome.returncode == 2
    assert "one.toml" in outcome.stderr
    assert "two.toml" not in outcome.stderr


def test_core_options_of_invoke_after_a_task_do_nothing_to_it() -> None:
    """`-e` (echo) is Invoke's own wherever it stands; so -h, --help too, which shows the task's help."""
    assert invoke("provision", "--help").returncode == 0
    assert invoke("provision", "-e").returncode == 2
