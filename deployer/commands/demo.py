"""`demo up|down`: a throwaway host on this machine, as inventory host `demo`; works in a checkout only."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from deployer.commands.provision import provision
from deployer.errors import UsageError
from deployer.run.command import INVENTORY, JSON, QUIET, VERBOSE, Choices, Command, Option
from deployer.run.host_run import report_for
from deployer.run.hosts import inventory_directory

CHECKOUT = Path(__file__).resolve().parents[2]


def demo(choices: Choices) -> int:
    actions = {"up": _up, "down": _down}
    given = choices.text("action")
    if given not in actions:
        got = f", got {given!r}" if given else ""
        raise UsageError(f"demo: expected up or down{got}", remedy="run `deployer demo up` or `deployer demo down`")
    add_testbed_to_path()
    return actions[given](choices)


def add_testbed_to_path(checkout: Path = CHECKOUT) -> None:
    """Make testbed/ importable. Raises UsageError where the tool is installed as a package, without a checkout."""
    if not (checkout / "testbed" / "demo.py").is_file():
        raise UsageError(
            "demo needs a checkout of this project: the installed package does not contain its test bed",
            remedy="clone the repository, then run `script/demo` in it",
        )
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))


def _up(choices: Choices) -> int:
    from testbed import demo as throwaway  # in a checkout only

    report, directory = report_for(choices), inventory_directory(choices)
    report.begin("demo", "booting a throwaway host (the first time builds its images: some minutes)")
    address = throwaway.up(directory)
    visit = throwaway.curl(address)
    fields: dict[str, object] = {"host": throwaway.NAME, "address": address, "domain": throwaway.DOMAIN}
    text = "\n".join(_up_text(choices, throwaway.NAME, address, visit))
    report.data("demo", {**fields, "inventory": str(directory), "visit": visit}, text)
    if choices.flag("no-provision"):
        return 0
    code = _provision(choices, throwaway.NAME)
    if code == 0:
        report.data("visit", {"command": visit}, f"The site is up. Visit it from this machine:\n  {visit}")
    return code


def _up_text(choices: Choices, name: str, address: str, visit: str) -> Iterator[str]:
    where = choices.text("inventory")
    yield f"{name} is up at {address}; it is in the inventory, and its host key is pinned."
    if choices.flag("no-provision"):
        yield "Provision it, then visit it:"
        yield f"  deployer provision --host {name}" + (f" --inventory {shlex.quote(where)}" if where else "")
        yield f"  {visit}"


def _provision(choices: Choices, name: str) -> int:
    values: Mapping[str, bool | int | str | None] = {**choices.values, "host": name}
    return provision(replace(choices, values=values))


def _down(choices: Choices) -> int:
    from testbed import demo as throwaway  # in a checkout only

    found = throwaway.down(inventory_directory(choices))
    text = f"removed {throwaway.NAME}" if found else f"there is no host {throwaway.NAME}"
    report_for(choices).data("demo", {"host": throwaway.NAME, "removed": found}, text)
    return 0


COMMAND = Command(
    demo,
    (Option("no-provision", "with up: boot it without provisioning", bool), INVENTORY, JSON, VERBOSE, QUIET),
    Option("action", "up or down", values=("up", "down")),
    argument_needed=True,
    examples=("up", "down"),
)
