"""What the unit tests share: a host's inventory, a report that keeps all, and this machine as the host.

The scripts are the real ones, run by the real transport on this machine; only systemd, which need not run here, is
replaced by two commands in front of PATH. Nothing is mocked.
"""

import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Self

from deployer.engine.changes import Change, File, Note, OutsideCheck, Send, WriteFiles
from deployer.engine.facts import Answer, Ask, Facts, Probes
from deployer.engine.step import Plan, Step
from deployer.engine.survey import parse, questions, script_for
from deployer.errors import DeployerError
from deployer.inventory.load import build
from deployer.inventory.model import Inventory, Origin
from deployer.output.report import Recap, StepReport
from deployer.secret import Secret
from deployer.text.shell import quote
from deployer.transport.local import LocalTransport
from deployer.transport.protocol import Conversation, Reply, Traffic, Transport

IS_ROOT = os.geteuid() == 0
SILENT = Answer("", 1, "Cannot connect to the Docker daemon")
"""What a question gets that the host could not answer."""


def inventory(
    secrets: Mapping[str, str] | None = None, directory: Path = Path("/nowhere"), **tables: object
) -> Inventory:
    """The host `web` of example.com, with Let's Encrypt; each table given replaces the one here."""
    document = {
        "ssh": {"address": "203.0.113.10"},
        "site": {"domain": "example.com", "email": "admin@example.com"},
        **tables,
    }
    hidden = {name: Secret(value) for name, value in (secrets or {}).items()}
    return build(document, Origin(directory / "web.toml", hidden))


def planned(step: Step, host: Inventory, answers: Mapping[str, Answer | str]) -> tuple[Change | Note, ...]:
    """The step's plan from answers by the step's own names; raises what the plan raises."""
    given = {key: Answer(answer) if isinstance(answer, str) else answer for key, answer in answers.items()}
    return tuple(step.plan(host, Facts(given)))


def whys(items: Iterable[Change | Note]) -> list[str]:
    """What is said of each change."""
    return [item.why for item in items if not isinstance(item, Note)]


def texts(items: Iterable[Change | Note]) -> list[str]:
    """What each note says."""
    return [item.text for item in items if isinstance(item, Note)]


def script_of(change: Change | Note) -> str:
    """The bash that a change runs."""
    assert not isinstance(change, Note | WriteFiles | OutsideCheck | Send)
    return change.script


@dataclass
class Recorder:
    """Implements `report.Report`: keeps everything; `on_line` may do something at a line of remote output."""

    begun: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    told: list[tuple[str, dict[str, object], str]] = field(default_factory=list)
    on_line: Callable[[str], None] = lambda text: None

    def outline(self, titles: Sequence[str]) -> None:
        """Not kept."""

    def begin(self, section: str, what: str) -> None:
        self.begun.append(what)

    def line(self, text: str) -> None:
        self.lines.append(text)
        self.on_line(text)

    def step(self, step: StepReport) -> None:
        self.steps.append(step)

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        self.told.append((event, fields, text))

    def error(self, error: DeployerError) -> None:
        """Told by the commands."""

    def recap(self, recap: Recap) -> None:
        """Told by the commands."""


@dataclass(frozen=True)
class Scripted:
    """A step made of two functions."""

    TITLE: str
    asked: Mapping[str, str]
    wanted: Callable[[Facts], Iterator[Change | Note]]

    def probes(self, host: Inventory) -> Probes:
        return {key: Ask(script) for key, script in self.asked.items()}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        return self.wanted(facts)


_SYSTEMD_RUN = """\
#!/bin/bash
# Of systemd-run what the session needs: run the command, and remember its login session by the unit. As its parent, so
# that its end is seen at once: not every machine's first process looks after orphans as quickly as systemd does.
while [[ $1 == --* ]]; do
  case $1 in --unit=*) unit=${1#--unit=} ;; esac
  shift
done
echo $$ >"${0%/*}/unit.$unit"
trap : TERM
"$@" &
while kill -0 $! 2>/dev/null; do wait $!; done
"""
_SYSTEMCTL = """\
#!/bin/bash
# Of systemctl what the session needs: `kill --signal=NAME UNIT.scope` reaches every process of the unit.
[ "$1" = kill ] || exit 1
session=$(cat "${0%/*}/unit.${3%.scope}") || exit 1
pids=$(ps -o pid= -s "$session") || exit 1
kill -s "${2#--signal=}" $pids
"""


@dataclass
class ThisMachine:
    """Implements `protocol.Transport`: this machine, with two commands in front of PATH, all channels kept."""

    commands: Path
    inner: Transport = field(default_factory=LocalTransport)
    scripts: list[str] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    second_logins: list[str] = field(default_factory=list)

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        limit: float = 60.0,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Reply:
        self.scripts.append(script)
        return self.inner.run(self._with_commands(script), stdin=stdin, limit=limit, on_output=on_output)

    def open(self, script: str) -> Conversation:
        self.scripts.append(script)
        self.conversations.append(self.inner.open(self._with_commands(script)))
        return self.conversations[-1]

    def again(self) -> Self:
        return type(self)(self.commands, self.inner.again(), self.second_logins)

    def traffic(self) -> Traffic:
        return self.inner.traffic()

    def close(self) -> None:
        self.inner.close()

    def _with_commands(self, script: str) -> str:
        return f"export PATH={quote(str(self.commands))}:$PATH\n{script}"


@dataclass(frozen=True)
class Bed:
    """A host of its own name on this machine, in a directory of its own."""

    host: Inventory
    root: Path
    commands: Path

    def transport(self) -> ThisMachine:
        return ThisMachine(self.commands)

    def lock_is_free(self) -> bool:
        asked = subprocess.run(["flock", "-n", f"/run/deployer/{self.host.name}.lock", "true"], check=False)
        return asked.returncode == 0


@contextmanager
def bed(directory: Path) -> Iterator[Bed]:
    """This machine as a host: a name that nobody else has, its root directory below `directory`."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    root, commands = directory / "root", directory / "commands"
    root.mkdir()
    commands.mkdir()
    for command, text in (("systemd-run", _SYSTEMD_RUN), ("systemctl", _SYSTEMCTL)):
        (commands / command).write_text(text)
        (commands / command).chmod(0o755)
    # The inventory would refuse a root directory below /tmp; for a test it is the right place.
    host = inventory(name=name).model_copy(update={"root": PurePosixPath(root)})
    try:
        yield Bed(host, root, commands)
    finally:
        shutil.rmtree(f"/run/deployer/{name}", ignore_errors=True)
        for left in Path("/run/deployer").glob(f"{name}.lock*"):
            left.unlink()


def kept(changes: Sequence[Change | Note]) -> Callable[[Facts], Iterator[Change | Note]]:
    """A plan that is always the same."""
    return lambda facts: iter(changes)


def asked_here(probes: Probes) -> Facts:
    """What this machine answers to a step's questions, asked by the survey's own script."""
    asked = questions(probe for probe in probes.values() if isinstance(probe, Ask))
    ran = subprocess.run(["bash", "-c", script_for(asked)], stdout=subprocess.PIPE, timeout=30, check=True)
    told = parse(ran.stdout, asked)
    return Facts({key: told[probe] for key, probe in probes.items() if isinstance(probe, Ask)})


def run_here(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Bash as the runner starts it: it stops at the first failure."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def as_wanted(file: File) -> str:
    """The answer of a host on which the file stands as it shall."""
    digest = hashlib.sha256(file.content).hexdigest()
    return f"regular file/{file.mode:o}/{file.owner}:{file.group}\n{digest}\n"
