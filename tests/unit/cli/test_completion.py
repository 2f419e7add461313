"""What the shell offers for a value; what a host has is tried in tests/host/backup/test_backup.py."""

from pathlib import Path

import click
import pytest

from deployer.cli.click import Commands

UNREACHABLE = '[ssh]\naddress = "127.0.0.1"\nport = 1\n[site]\ndomain = "a.example.com"\nemail = "a@example.com"\n'


def offered(name: str, parameter: str, begun: str, *words: str) -> list[str]:
    """For a parameter of a command, after these words of it."""
    group = Commands()
    command = group.get_command(click.Context(group), name)
    assert command
    context = command.make_context(name, list(words), resilient_parsing=True)
    (found,) = (each for each in command.params if each.name == parameter)
    return [item.value for item in found.shell_complete(context, begun)]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    for name in ("prod", "preview", "lab", "example"):
        (tmp_path / f"{name}.toml").write_text(UNREACHABLE)
    return tmp_path


def test_hosts(inventory: Path) -> None:
    """Of the inventory that is named, by their first letters; the example is no host."""
    assert offered("status", "host", "pr", "--inventory", str(inventory)) == ["preview", "prod"]
    assert offered("status", "host", "", "--inventory", str(inventory / "none")) == []


@pytest.mark.parametrize(
    ("command", "parameter", "begun", "words"),
    [
        ("maintenance", "state", "o", ["on", "off"]),
        ("demo", "action", "", ["up", "down"]),
        ("logs", "service", "ng", ["nginx"]),
        ("init", "tls", "s", ["self-signed"]),
        ("restore", "only", "da", ["data", "database"]),
        ("update", "ref", "", []),
    ],
)
def test_words(command: str, parameter: str, begun: str, words: list[str]) -> None:
    assert offered(command, parameter, begun) == words


@pytest.mark.parametrize(("command", "parameter"), [("restore", "ts"), ("drill", "ts"), ("rollback", "to")])
@pytest.mark.parametrize("host", ["prod", "unknown", ""])
def test_a_host_that_does_not_answer(command: str, parameter: str, host: str, inventory: Path) -> None:
    """Nothing is offered; no error, no question."""
    words = ["--inventory", str(inventory), *(["--host", host] if host else [])]
    assert offered(command, parameter, "2025", *words) == []
