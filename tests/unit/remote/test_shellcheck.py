"""Every script that reaches a host, as it is put together there, passes shellcheck; so does what cron runs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from deployer import scripts
from deployer.changes import Gate, Note, Run, SecondLogin, WriteFiles
from deployer.facts import Ask
from deployer.inventory.model import Inventory
from deployer.plan import name_of
from deployer.remote.holder import Holder
from deployer.remote.scripts import script
from deployer.steps import GUIDE
from deployer.survey import script_for
from tests.fakes import inventory, planned
from tests.unit.steps.hosts import fresh

REMOTE = Path(__file__).parents[3] / "deployer" / "remote"
SHELLCHECK = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")

LEFT_OUT = {
    "SC2016": "what stands in single quotes is often meant for another program: docker's templates, sh -c",
    "SC2043": "a list of one directory is a list",
    "SC2046": "`echo name=$(command)` prints one line",
    "SC2086": "lists of container names, which hold nothing that is split or expanded, are words on purpose",
    "SC2153": "NAME and FILE are parameters, not misspelt",
    "SC2154": "a part is checked without the parameters in front of it",
}
pytestmark = pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not here")


def complaints(text: str) -> str:
    words = [
        str(SHELLCHECK),
        "--shell",
        "bash",
        "--severity",
        "style",
        "--exclude",
        ",".join(LEFT_OUT),
        "--format",
        "gcc",
        "-",
    ]
    return subprocess.run(words, input=text, text=True, capture_output=True, check=False).stdout


def of_steps() -> Iterator[tuple[str, str]]:
    for host in (inventory(), inventory(tls={"mode": "self-signed"}, docker={"packages": "distribution"})):
        for step in GUIDE:
            for key, probe in step.probes(host).items():
                if isinstance(probe, Ask):
                    yield f"{name_of(step)} asks: {key}", probe.script
            for change in planned(step, host, fresh(step, host)):
                yield from (
                    (f"{name_of(step)}: {change.why}", text) for text in texts(change) if not isinstance(change, Note)
                )


def texts(change: Run | WriteFiles | Gate | SecondLogin | Note) -> list[str]:
    match change:
        case Run():
            return [change.script, change.undo]
        case WriteFiles():
            return [change.check]
        case Gate():
            return [change.script, change.explain]
        case SecondLogin():
            return [change.script]
        case Note():
            return []


def of_machine(host: Inventory) -> Iterator[tuple[str, str]]:
    holder = Holder("ada", "provision", "now")
    survey = script_for(tuple(probe for probe in GUIDE[0].probes(host).values() if isinstance(probe, Ask)))
    session = script("session.sh", NAME=host.name, ROOT=str(host.root), HOLDER=str(asdict(holder)), WAIT=0)
    yield "session", f"survey() {{\n{survey}\n}}\n{session}"
    yield "follow", script("follow.sh", work="/run/deployer/x/1")
    yield "runner", script("mask.sh") + script("runner.sh")
    yield "renew", scripts.renew_program(host)


COMPOSED = {name: text for name, text in (*of_steps(), *of_machine(inventory())) if text}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name: str) -> None:
    """A script with one host's parameters."""
    assert complaints(COMPOSED[name]) == ""


@pytest.mark.parametrize("path", sorted(REMOTE.glob("*.sh")), ids=lambda path: path.name)
def test_part(path: Path) -> None:
    """A part as it lies in the repository."""
    assert complaints(path.read_text()) == ""


def test_every_part_says_what_it_needs() -> None:
    """The first line of each is a comment."""
    assert [path.name for path in REMOTE.glob("*.sh") if not path.read_text().startswith("# ")] == []


def test_values_are_quoted() -> None:
    """A parameter reaches the script as one word, whatever it holds."""
    wanted = 'it\'s $(id) "x" `id`\n;'
    ran = subprocess.run(
        ["bash", "-c", script("mask.sh", VALUE=wanted) + '\nprintf %s "$VALUE"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == wanted
