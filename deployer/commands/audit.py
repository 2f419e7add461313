"""`audit`: who ran what on a host, when, and how it ended; one line for each run that changed it or tried to."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.run.command import COMMON, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.status.screen import aligned
from deployer.text.printable import printable
from deployer.text.shell import quote

HEAD = ("ended", "who", "command", "result", "changed")
WIDEST = 60
"""Characters of a result in the table; --json has all of it."""

NOTHING = "no run has changed this host yet"


@dataclass(frozen=True)
class Entry:
    """One run; `changed` counts steps, and is None where that is not known (the connection was lost)."""

    ended: str
    since: str
    who: str
    command: str
    result: str
    changed: int | None

    @property
    def row(self) -> tuple[str, ...]:
        result = self.result if len(self.result) <= WIDEST else f"{self.result[: WIDEST - 1]}…"
        return self.ended, self.who, self.command, result, "-" if self.changed is None else str(self.changed)


@dataclass(frozen=True)
class Broken:
    """A line that is not a record: cut off, or written by another program."""

    line: str


def audit(choices: Choices) -> int:
    return on_hosts(choices, _audit)


def _audit(run: HostRun) -> int:
    reply = run.transport.run(text_for(run.host, _number(run.choices)))
    if reply.exit_code != 0:
        remedy = f"deployer status --host {run.host.host_name}"
        raise run.error(f"{run.host.paths.audit} could not be read", remedy=remedy, reply=reply)
    entries = tuple(parsed(line) for line in reply.output.decode(errors="replace").split("\n") if line.strip())
    host = run.host.host_name
    for entry, text in zip(entries, table(entries), strict=True):
        run.report.data("audit", {"host": host, **_fields(entry)}, text)
    if not entries:
        run.report.data("note", {"host": host, "text": NOTHING}, NOTHING)
    run.verdicts.add("unchanged")
    return 0


def _number(choices: Choices) -> int:
    number = choices.number("lines")
    if not 1 <= number <= 1_000_000:
        raise UsageError(f"--lines {number}: must be from 1 to 1000000")
    return number


def text_for(host: Inventory, number: int) -> str:
    file = quote(host.paths.audit)
    return f"[ ! -e {file} ] || tail -n {number} {file}"


def parsed(line: str) -> Entry | Broken:
    """One line of the log, whatever it holds; control characters are made visible."""
    try:
        record = json.loads(line)
        run, changed = record["run"], record["changed"]
        texts = (record["ended"], *(run[key] for key in ("since", "who", "command", "result")))
        if not all(isinstance(text, str) for text in texts) or not (changed is None or type(changed) is int):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        return Broken(printable(line))
    ended, since, who, command, result = (printable(text.replace("\n", "; ")) for text in texts)
    return Entry(ended, since, who, command, result, changed)


def table(entries: Sequence[Entry | Broken]) -> Iterator[str]:
    """A text for each entry, the first one below the table's head; a broken line is shown as it is."""
    records = [entry for entry in entries if isinstance(entry, Entry)]
    head, *rows = (row.rstrip() for row in aligned([HEAD, *(entry.row for entry in records)]))
    lines = iter(rows)
    for number, entry in enumerate(entries):
        text = next(lines) if isinstance(entry, Entry) else f"not a record: {entry.line[:200]}"
        yield text if number else f"{head}\n{text}"


def _fields(entry: Entry | Broken) -> dict[str, object]:
    return asdict(entry) if isinstance(entry, Entry) else {"broken": entry.line}


COMMAND = Command(
    audit,
    (*COMMON, Option("lines", "show at most this many, the latest", int, short="n", default=20)),
    examples=("--host prod --lines 5",),
)
