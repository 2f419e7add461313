"""`demo up|down`: a throwaway host on this machine, made by the test bed of this checkout, as inventory host `demo`."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from deployer.errors import UsageError
from deployer.run.command import INVENTORY, JSON, QUIET, VERBOSE, Choices, Command, Option
from deployer.run.host_run import report_for
from deployer.run.hosts import inventory_directory

NAME = "demo"
DOMAIN = "wallet.demo.test"
FIRST_LINE = "# The throwaway host of `deployer demo`; removed by `deployer demo down`."
CHECKOUT = Path(__file__).resolve().parents[2]


def demo(choices: Choices) -> int:
    actions = {"up": _up, "down": _down}
    action = actions.get(choices.text("action"))
    if action is None:
        raise UsageError(
            f"demo: got {choices.text('action') or 'neither up nor down'}",
            remedy="deployer demo up, or deployer demo down",
        )
    _find_bed()
    _refuse_other(inventory_directory(choices) / f"{NAME}.toml")
    return action(choices)


def _find_bed(checkout: Path = CHECKOUT) -> None:
    """Make the test bed importable. Raises UsageError where this is an installed package, not a checkout."""
    if not (checkout / "testbed" / "bed.py").is_file():
        raise UsageError(
            "demo works in a checkout of this project only: its tests make the host",
            remedy="clone the project, then run script/demo in it",
        )
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))


def _refuse_other(file: Path) -> None:
    if file.exists() and not file.read_text(errors="replace").startswith(FIRST_LINE):
        raise UsageError(f"{file} is not one of `deployer demo`", remedy="rename it, or name another --inventory")


def _up(choices: Choices) -> int:
    from testbed import demo as demo_host

    report, directory = report_for(choices), inventory_directory(choices)
    report.begin("demo", "booting a throwaway host (the first time its images are made: some minutes)")
    address = demo_host.up(directory)
    visit = curl(address)
    fields: dict[str, object] = {"host": NAME, "address": address, "domain": DOMAIN, "inventory": str(directory)}
    report.data("demo", {**fields, "visit": visit}, "\n".join(_up_text(choices, address)))
    if choices.flag("no-provision"):
        return 0
    code = _provision(choices)
    if code == 0:
        report.data("visit", {"command": visit}, f"It serves, on this machine:\n  {visit}")
    return code


def _up_text(choices: Choices, address: str) -> Iterator[str]:
    where = choices.text("inventory")
    yield f"{NAME} is up at {address}, written to the inventory; its host key is pinned."
    if choices.flag("no-provision"):
        yield "Bring it to the guide's deployment, then visit it:"
        yield f"  deployer provision --host {NAME}" + (f" --inventory {shlex.quote(where)}" if where else "")
        yield f"  {curl(address)}"


def curl(address: str) -> str:
    """Its name is in no DNS, and its certificate is its own: hence both options."""
    return f"curl --insecure --resolve {DOMAIN}:443:{address} https://{DOMAIN}/"


def _provision(choices: Choices) -> int:
    from deployer.commands.provision import provision

    values: Mapping[str, bool | int | str | None] = {**choices.values, "host": NAME}
    return provision(replace(choices, values=values))


def _down(choices: Choices) -> int:
    from testbed import demo as demo_host

    found = demo_host.down(inventory_directory(choices))
    text = f"{NAME} is removed" if found else f"there was no host {NAME}"
    report_for(choices).data("demo", {"host": NAME, "removed": found}, text)
    return 0


COMMAND = Command(
    demo,
    (Option("no-provision", "with up: leave it as it booted", bool), INVENTORY, JSON, VERBOSE, QUIET),
    Option("action", "up or down"),
    argument_needed=True,
)
