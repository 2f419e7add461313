"""Text: a line for each step, what the run is waiting for, a recap. Plain lines where there is no terminal."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.status import Status

from deployer.errors import DeployerError
from deployer.output.report import Recap, StepReport

_COLOURS = {"unchanged": "green", "changed": "yellow", "would change": "yellow", "unknown": "magenta", "failed": "red"}

QUIET_FOR = 20.0
"""Seconds between two lines of remote output where there is no terminal; with -v every line is shown."""


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
        self._doing, self._began, self._printed_at = "", time.monotonic(), -math.inf

    def begin(self, section: str, what: str) -> None:
        self._doing, self._began, self._printed_at = f"{section} · {what}", time.monotonic(), time.monotonic()
        if self._out.is_terminal and not self._detail.quiet:
            self._live(escape(self._doing))
        elif not self._detail.quiet:
            self._out.print(f"{section}: {what} …", markup=False)

    def line(self, text: str) -> None:
        if self._detail.verbose:
            self._out.print(f"    │ {text}", markup=False)
        elif self._status:
            elapsed = time.monotonic() - self._began
            self._live(f"{escape(self._doing)} [dim]· {elapsed:.0f} s · {escape(text[: self._out.width - 4])}[/]")
        elif time.monotonic() - self._printed_at > QUIET_FOR and not self._detail.quiet:
            self._printed_at = time.monotonic()
            self._out.print(f"    {self._printed_at - self._began:.0f} s: {text}", markup=False)

    def step(self, step: StepReport) -> None:
        self._end_live()
        if self._detail.quiet and step.verdict == "unchanged":
            return
        seconds = f"  {step.seconds:.1f} s" if step.seconds >= 1 else ""
        colour = _COLOURS[step.verdict]
        self._out.print(f"[{colour}]{step.verdict:>12}[/]  {escape(step.section)}[dim]{seconds}[/]")
        for text in self._details(step):
            self._out.print(text)

    def _details(self, step: StepReport) -> Iterator[str]:
        for change in step.changes:
            yield f"              · {escape(change.why)}"
            if self._detail.diff:
                yield from (f"                [dim]{escape(line)}[/]" for line in change.diff.splitlines())
        for note in step.notes:
            text = escape(note.text).replace("\n", "\n                ")
            yield f"              [yellow]note:[/] {text}" + (
                f" [dim]→ {escape(note.remedy)}[/]" if note.remedy else ""
            )
        if step.reason and step.verdict == "unknown":
            yield f"              [dim]not known until an earlier step is done: {escape(step.reason)}[/]"

    def data(self, event: str, fields: dict[str, object], text: str) -> None:
        self._end_live()
        if text:
            self._out.print(text, markup=False)

    def error(self, error: DeployerError) -> None:
        self._end_live()
        context = error.context
        where = " · ".join(part for part in (context.host, context.step) if part)
        self._log.print(f"[bold red]error[/]{': ' if where else ''}[bold]{escape(where)}[/]")
        for line in error.what.splitlines():
            self._log.print(f"  {line}", markup=False)
        if context.command:
            self._log.print(f"  command: {context.command}", markup=False)
        if context.exit_code is not None:
            self._log.print(f"  exit code: {context.exit_code}", markup=False)
        for line in context.output.splitlines()[-20:]:
            self._log.print(f"    │ {line}", markup=False)
        for line in error.remedy.splitlines():
            self._log.print(f"[green]→[/] {escape(line)}")

    def recap(self, recap: Recap) -> None:
        self._end_live()
        unknown = f"unknown: {recap.unknown}  " if recap.unknown else ""
        colour = "red" if recap.failed or recap.exit_code not in (0, 10) else "yellow" if recap.changed else "green"
        self._out.print(
            f"[{colour}]{escape(recap.host)}[/]  ok: {recap.ok}  changed: {recap.changed}  {unknown}"
            f"failed: {recap.failed}  [dim]{recap.round_trips} round trips, {recap.seconds:.1f} s[/]"
        )

    def _live(self, text: str) -> None:
        if self._status is None:
            self._status = self._out.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _end_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
