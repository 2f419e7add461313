"""What the tests of the engine share: one run of some steps on this machine, with the real session and runner."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.engine.changes import Change, Note, Script
from deployer.engine.engine import Engine, RunContext
from deployer.engine.executor import Outside, not_looked_at
from deployer.engine.facts import Facts
from deployer.engine.lock import LockOwner
from deployer.errors import DeployerError
from deployer.output.report import Verdicts
from tests.support.fakes import IS_ROOT, Bed, Recorder, Scripted, kept

needs_root = pytest.mark.skipif(not IS_ROOT, reason="the scripts run as root, as on a host")

OWNER = LockOwner("ada@laptop", "provision", "2026-01-01T00:00:00Z")


class Play:
    """One run of some steps on one bed."""

    def __init__(
        self,
        here: Bed,
        *steps: Scripted,
        on_line: Callable[[str], None] = lambda text: None,
        outside: Outside = not_looked_at,
    ) -> None:
        self.transport, self.report = here.transport(), Recorder(on_line=on_line)
        operator = RunContext(lambda asked: {}, self.report, Verdicts(), outside)
        self.engine = Engine(here.host, self.transport, steps, operator)

    def apply(self, wait: int = 0) -> None:
        self.engine.apply(OWNER, wait=wait)

    def fails_with(self, kind: type[DeployerError]) -> DeployerError:
        with pytest.raises(DeployerError) as caught:
            self.apply()
        assert type(caught.value) is kind
        return caught.value

    def verdicts(self) -> list[str]:
        return [step.verdict for step in self.report.steps]


def wants(path: Path, word: str, title: str = "a file") -> Scripted:
    """A step that wants a word in a file."""

    def wanted(facts: Facts) -> Iterator[Change | Note]:
        if facts["word"] != word:
            yield Script(f"write {word}", f"echo {word} >{path}; echo wrote {word}")

    return Scripted(title, {"word": f"cat {path} 2>/dev/null || true"}, wanted)


def always(*changes: Change | Note) -> Scripted:
    return Scripted("always", {}, kept(changes))


def audit(here: Bed) -> list[dict[str, object]]:
    log = here.root / ".deployer" / "audit.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def until_done(changes: tuple[Change, ...]) -> Callable[[Facts], Iterator[Change | Note]]:
    """A plan of these changes until the fact `done` is there."""
    return lambda facts: iter(() if facts["done"] else changes)


def interrupt_at(word: str) -> Callable[[str], None]:
    """Ctrl-C at the moment a line is shown."""

    def on_line(text: str) -> None:
        if text == word:
            raise KeyboardInterrupt

    return on_line
