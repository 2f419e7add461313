"""What a person reads: what became of each change, where a run is, the cause of a failure first, and one live line."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console as RichConsole

from deployer.errors import Context, GateFailed
from deployer.output.console import Console, Detail
from deployer.output.live import Live
from deployer.output.report import ShownChange, StepReport

FAILED = StepReport(
    "release",
    "7.4 Start containers",
    "failed",
    (
        ShownChange("write the configuration", state="undone"),
        ShownChange("stop the worker", state="done"),
        ShownChange("roll out backend-api", state="failed"),
        ShownChange("record the release", state="not run"),
    ),
)
ERROR = GateFailed(
    "roll out backend-api: app-backend-api-5 is not healthy after 120 s: it answers 503 to /health",
    remedy="fix the error above and run this command again",
    context=Context("prod", "7.4 Start containers", exit_code=4, output="\n".join(f"line {n}" for n in range(40))),
)


class Screen:
    """A console whose two streams are kept."""

    def __init__(self, detail: Detail | None = None, encoding: str = "utf-8") -> None:
        self._files = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        self.console = Console(detail or Detail(), *(RichConsole(file=file, width=200) for file in self._files))

    @property
    def shown(self) -> str:
        for file in self._files:
            file.flush()
        return "".join(file.buffer.getvalue().decode() for file in self._files)


def test_what_became_of_each_change() -> None:
    """Nothing that was never done is listed as if it were."""
    screen = Screen()
    screen.console.step(FAILED)
    assert [line.strip() for line in screen.shown.splitlines()[1:]] == [
        "✓ write the configuration (undone)",
        "✓ stop the worker",
        "✗ roll out backend-api",
        "- record the release (not run)",
    ]


def test_the_cause_comes_first() -> None:
    """Then where it happened, the last lines of output, and at the end what to do."""
    screen = Screen()
    screen.console.error(ERROR)
    lines = screen.shown.splitlines()
    assert lines[0] == f"error: {ERROR.what}"
    assert [line.strip() for line in lines[1:3]] == ["on prod · 7.4 Start containers", "exit code: 4"]
    assert lines[3].strip() == "│ line 20"
    assert lines[-1] == f"→ {ERROR.remedy}"


def test_where_a_run_is() -> None:
    """The number of the step and of all; the guide's own number with -v."""
    screen, verbose = Screen(), Screen(Detail(verbose=True))
    for each in (screen, verbose):
        each.console.outline(("3.1 Packages", "7.4 Start containers"))
        each.console.step(replace(FAILED, verdict="unchanged", changes=()))
    assert screen.shown.split("  ")[-1] == "[2/2] Start containers\n"
    assert verbose.shown.split("  ")[-1] == "[2/2] 7.4 Start containers\n"


@pytest.mark.parametrize("titles", [(), ("7.4 Start containers",), ("1. Another", "2. One")])
def test_a_step_alone_has_no_number(titles: tuple[str, ...]) -> None:
    screen = Screen()
    screen.console.outline(titles)
    screen.console.step(FAILED)
    assert "[" not in screen.shown


def test_a_terminal_that_knows_ascii_alone() -> None:
    """No escape of Python's stands for a character that it cannot show."""
    screen = Screen(encoding="ascii")
    screen.console.begin("7.4 Start containers", "roll out")
    screen.console.step(FAILED)
    screen.console.error(ERROR)
    assert "\\u" not in screen.shown
    assert "x roll out backend-api" in screen.shown
    assert "-> fix the error above" in screen.shown


HOSTILE = "\x1b]0;title\x07 \x1b[2J \u202egnp \x9b31m \r\b"


def test_a_host_does_not_steer_the_terminal() -> None:
    """Whatever way its text comes: what it prints, what failed, what is listed, the names of its files."""
    screen = Screen(Detail(verbose=True, diff=True))
    screen.console.begin(HOSTILE, HOSTILE)
    screen.console.line(HOSTILE)
    screen.console.step(replace(FAILED, section=HOSTILE, changes=(ShownChange(HOSTILE, HOSTILE),)))
    screen.console.data("x", {}, f"one\n{HOSTILE}")
    screen.console.error(GateFailed(HOSTILE, remedy=HOSTILE, context=Context(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE)))
    assert set(screen.shown) & set("\x1b\x07\u202e\x9b\r\b") == set()
    assert screen.shown.count("gnp") == 13


@pytest.mark.parametrize("width", [20, 80, 120])
@pytest.mark.parametrize("doing", ["Start containers · roll out", "界" * 70, "x" * 200])
@pytest.mark.parametrize("last", ["", "short", "y" * 300, "\x1b[31mred"])
def test_the_live_line_is_one_line(width: int, doing: str, last: str) -> None:
    """It has its seconds at any width, and as much of the last line as there is room for."""
    live = Live(doing)
    live.last = last
    head, tail = live.fitted(width)
    assert head.endswith(" · 0 s")
    assert cell_len(head + tail) <= width
    assert not last or width < 80 or len(doing) > 60 or tail
