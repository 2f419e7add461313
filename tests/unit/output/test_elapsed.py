"""The seconds in front of a line of output: since the run began, or since what it does now began."""

import io
import re

from rich.console import Console as RichConsole

from deployer.output.console import Console, Detail


def test_before_the_first_step() -> None:
    """A line while the lock is waited for is shown at once, with the seconds of this run, not of the machine."""
    out = io.StringIO()
    Console(Detail(), RichConsole(file=out)).line("waiting: the lock is held by ada")
    shown = re.fullmatch(r" +(\d+) s: waiting: the lock is held by ada\n", out.getvalue())
    assert shown is not None
    assert int(shown[1]) < 5


def test_in_a_step() -> None:
    """Without a terminal a line of a step's output is left out unless the step is quiet for long."""
    out = io.StringIO()
    console = Console(Detail(), RichConsole(file=out))
    console.begin("4. Proxy", "start it")
    console.line("pulling")
    assert out.getvalue() == "Proxy: start it …\n"
