"""What the survey of a run costs the host: seconds of CPU of all that it starts, in all and by question.

The questions that the host program answers are one process, and one line. What Docker's daemon does for them is not in
it.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.noop import ssh_command
from deployer.engine.facts import Ask
from deployer.engine.plan import asked_of_host
from deployer.engine.survey import script_for
from deployer.inventory import load
from deployer.inventory.model import Inventory
from deployer.steps import GUIDE

REPEATS = 5
SECONDS = 300
DEAREST = 15
"""Questions that are shown one by one."""
_TIMED = """\
exec 3>&2
timed=$( {{ time for repeat in {repeats}; do ( {script}
) >/dev/null 2>&1 </dev/null; done; }} 2>&1 )
echo "{number} $timed"
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU, user and system, of one survey or of a part of it."""

    what: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds * 1000:8.1f} ms   {self.what}"


def show(inventory: Path, name: str) -> None:
    """Print the figures of a provisioned host."""
    everything, *parts = measure(inventory, name)
    parts.sort(key=lambda cost: cost.seconds, reverse=True)
    print("host CPU of one survey with nothing to do:")
    print(everything)
    for cost in parts[:DEAREST]:
        print(cost)
    print(Cost(f"{len(parts[DEAREST:])} others", sum(cost.seconds for cost in parts[DEAREST:])))


def measure(inventory: Path, name: str) -> list[Cost]:
    """First all of it, then each part by itself."""
    host = load.load(inventory, name)
    asked = asked_of_host(host, GUIDE)
    named = [("all", script_for(asked)), *_parts(host, asked)]
    timed = (
        _TIMED.format(repeats=" ".join(map(str, range(REPEATS))), script=script, number=number)
        for number, (_, script) in enumerate(named)
    )
    text = "".join(("LC_ALL=C; TIMEFORMAT='%U %S'; set +e -o pipefail\n", *timed))
    command = ssh_command(host.ssh.user, host.ssh.identity_file, host.ssh.address, host.ssh.port, inventory)
    ran = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=SECONDS)
    lines = [line.split() for line in ran.stdout.decode().splitlines()]
    return [Cost(named[int(number)][0], (float(user) + float(own)) / REPEATS) for number, user, own in lines]


def _parts(host: Inventory, asked: Sequence[Ask]) -> Iterator[tuple[str, str]]:
    """What is asked, and by which script: what several questions share is one of them."""
    by_program = tuple(ask for ask in asked if ask.words)
    yield f"the host program: {len(by_program)} questions", script_for(by_program)
    shared: dict[Ask, list[str]] = {}
    for step in GUIDE:
        for key, probe in step.probes(host).items():
            if isinstance(probe, Ask) and not probe.words:
                shared.setdefault(replace(probe, part=""), []).append(f"{step.TITLE}: {key}")
    for ask, names in shared.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{others}", ask.script
