"""Text: a line for each step, what the run is waiting for, a recap. Plain lines where there is no terminal."""

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.status import Status

from deployer.errors import DeployerError
from deployer.output.live import Live
from deployer.output.report import Recap, ShownChange, StepReport
from deployer.output.symbols import MARKS, shown_in

_COLOURS = {"unchanged": "green", "changed": "yellow", "would change": "yellow", "unknown": "magenta", "failed": "red"}
_INDENT = " " * 14

QUIET_FOR = 20.0
"""Seconds between two lines of remote output where there is no terminal; with -v every line is shown."""
LINES = 20
"""Of the output of what failed."""


@dataclass(frozen=True)
class Detail:
    """How much is printed."""

    diff: bool = False
    verbose: bool = False
    quiet: bool = False


class Console:
    """Text on standard output, errors on standard error; colour and a live line on a terminal only."""

    def __init__(self, detail: Detail, out: RichConsole | None = None, log: RichConsole | None = None) -> None:
        self._detail = detail
        self._out = out or RichConsole(highlight=False, soft_wrap=True, emoji=False)
        self._log = log or RichConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self._status: Status | None = None
        self._live, self._printed_at = Live(""), -math.inf
        self._titles: tuple[str, ...] = ()

    def outline(self, titles: Sequence[str]) -> None:
        self._titles = tuple(titles)

    def begin(self, section: str, what: str) -> None:
        self._live, self._printed_at = Live(f"{self._named(section)} · {what}"), time.monotonic()
        if self._detail.quiet:
            return
        if self._out.is_terminal:
            self._show_live()
        else:
            self._plain(self._out, f"{self._named(section)}: {what} …")

    def line(self, text: str) -> None:
        if self._detail.verbose:
            self._plain(self._out, f"    │ {text}")
        elif self._status:
            self._live.last = text
        elif time.monotonic() - self._printed_at > QUIET_FOR and not self._detail.quiet:
            self._printed_at = time.monotonic()
            self._plain(self._out, f"    {self._live.seconds:.0f} s: {text}")

    def step(self, step: StepReport) -> None:
        self._end_live()
        if self._detail.quiet and step.verdict == "unchanged":
            return
        seconds = f"  {step.seconds:.1f} s" if step.seconds >= 1 else ""
        colour = _COLOURS[step.verdict]
        self._print(f"[{colour}]{step.verdict:>12}[/]  {escape(self._named(step.section))}[dim]{seconds}[/]")
        for text in self._details(step):
            self._print(text)

    def _details(self, step: StepReport) -> Iterator[str]:
        for change in step.changes:
            yield f"{_INDENT}{_marked(change)}"
            if self._detail.diff:
                yield from (f"{_INDENT}  [dim]{escape(line)}[/]" for line in change.diff.splitlines())
        for note in step.notes:
            text = escape(note.text).replace("\n", f"\n{_INDENT}  ")
            yield f"{_INDENT}[yellow]note:[/] {text}" + (f" [dim]→ {escape(note.remedy)}[/]" if note.remedy else "")
        if step.reason and step.verdict == "unknown":
            yield f"{_INDENT}[dim]not known until an earlier step is done: {escape(step.reason)}[/]"

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        self._end_live()
        if text:
            self._plain(self._out, text)

    def error(self, error: DeployerError) -> None:
        """The cause first, then where, then the last lines of output, and what to do at the end."""
        self._end_live()
        first, *others = error.what.splitlines() or [""]
        self._log.print(f"[bold red]error:[/] [bold]{escape(self._shown(self._log, first))}[/]")
        for line in (*others, *_where(error)):
            self._plain(self._log, f"  {line}")
        for line in error.context.output.splitlines()[-LINES:]:
            self._plain(self._log, f"    │ {line}")
        for line in error.remedy.splitlines():
            self._log.print(self._shown(self._log, f"[green]→[/] {escape(line)}"))

    def recap(self, recap: Recap) -> None:
        self._end_live()
        unknown = f"unknown: {recap.unknown}  " if recap.unknown else ""
        colour = "red" if recap.failed or recap.exit_code not in (0, 10) else "yellow" if recap.changed else "green"
        self._print(
            f"[{colour}]{escape(recap.host)}[/]  ok: {recap.ok}  changed: {recap.changed}  {unknown}"
            f"failed: {recap.failed}  [dim]{recap.round_trips} round trips, {recap.seconds:.1f} s[/]"
        )

    def _named(self, section: str) -> str:
        """`[14/20] Start containers`; the section of the guide only with -v, for who has the guide."""
        name = section if self._detail.verbose else re.sub(r"^[\d.]+ ", "", section)
        if section not in self._titles or len(self._titles) == 1:
            return name
        return f"[{self._titles.index(section) + 1}/{len(self._titles)}] {name}"

    def _print(self, markup: str) -> None:
        self._out.print(self._shown(self._out, markup))

    def _plain(self, where: RichConsole, text: str) -> None:
        where.print(self._shown(where, text), markup=False)

    def _shown(self, where: RichConsole, text: str) -> str:
        return shown_in(where.encoding, text)

    def _show_live(self) -> None:
        if self._status is None:
            self._status = self._out.status(self._live)
            self._status.start()
        else:
            self._status.update(self._live)

    def _end_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _marked(change: ShownChange) -> str:
    """A change with what became of it, where its step failed."""
    text = f"{MARKS[change.state]} {escape(change.why)}"
    return f"{text} ({change.state})" if change.state in ("undone", "not run") else text


def _where(error: DeployerError) -> Iterator[str]:
    context = error.context
    if where := " · ".join(part for part in (context.host, context.step) if part):
        yield f"on {where}"
    if context.command:
        yield f"command: {context.command}"
    if context.exit_code is not None:
        yield f"exit code: {context.exit_code}"
