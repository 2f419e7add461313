"""Both front ends are made from one definition: the same commands, options and help; Invoke's own traps are refused."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from invoke.parser import Parser

from deployer.cli.click import Commands
from deployer.cli.invoke import collection
from deployer.commands import NAMES, command, commands
from deployer.run.command import Command

CHECKOUT = Path(__file__).parents[3]
TASKS = collection(commands())
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
    """A command is there under its name in both, and its module is named like it."""
    assert list(NAMES) == Commands().list_commands(click.Context(Commands()))
    assert set(NAMES) == set(CONTEXTS)
    assert [definition.name for definition in commands()] == list(NAMES)


@pytest.mark.parametrize("definition", commands(), ids=lambda definition: definition.name)
def test_both_offer_the_same_options(definition: Command) -> None:
    """Each option has the same name and the same help, and takes a value in both or in neither."""
    argument = {definition.argument.name} if definition.argument else set()
    in_invoke = {
        name: (found.help, found.kind is bool)
        for name, found in CONTEXTS[definition.name].args.items()
        if name not in argument
    }
    in_click = {
        option.opts[0].removeprefix("--"): (option.help, option.is_flag)
        for option in clicked(definition.name).params
        if isinstance(option, click.Option)
    }
    assert in_invoke == in_click
    assert set(in_click) == {option.name for option in definition.options}
    assert all(text for text, _ in in_click.values())


@pytest.mark.parametrize("definition", commands(), ids=lambda definition: definition.name)
def test_both_say_the_same_of_a_command(definition: Command) -> None:
    """Every command has help, word for word the same in both."""
    assert definition.help
    assert clicked(definition.name).help == definition.help == TASKS[definition.name].__doc__


def test_a_needed_argument_stands_at_its_place_in_both() -> None:
    """`invoke demo up` and `deployer demo up`; where it is not needed Invoke wants --service."""
    parsed = Parser(CONTEXTS.values()).parse_argv(["demo", "up"])
    assert parsed[0].args["action"].value == "up"
    assert Parser(CONTEXTS.values()).parse_argv(["logs", "--service", "nginx"])[0].args["service"].value == "nginx"
    assert command("logs").argument_needed is False


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
        ("--host", "a", "status"),
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
