"""What a step reports, as JSON and as text."""

import io
import json

from rich.console import Console as RichConsole

from deployer.output.console import Console, Detail
from deployer.output.jsonlines import JsonLines
from deployer.output.report import ShownChange, ShownNote, StepReport, Verdicts

STEP = StepReport(
    "compose",
    "5. Compose",
    "would change",
    (ShownChange("write /opt/x (content differs)", "-old\n+new"), ShownChange("reload")),
    (ShownNote("a note", "a remedy"), ShownNote("another")),
)


def shown(step: StepReport, detail: Detail) -> str:
    out = io.StringIO()
    Console(detail, RichConsole(file=out, width=200), RichConsole(file=io.StringIO())).step(step)
    return out.getvalue()


def test_json_has_the_shown_lines_and_nothing_else() -> None:
    """A change is `why` and `diff`, a note `text` and `remedy`: what programs read since the first version."""
    out = io.StringIO()
    JsonLines(out, io.StringIO()).step(STEP)
    event = json.loads(out.getvalue())
    assert event["verdict"] == "would change"
    assert event["changes"] == [
        {"why": "write /opt/x (content differs)", "diff": "-old\n+new"},
        {"why": "reload", "diff": ""},
    ]
    assert event["notes"] == [{"text": "a note", "remedy": "a remedy"}, {"text": "another", "remedy": ""}]


def test_the_diff_is_printed_with_diff_alone() -> None:
    """Without --diff a change is one line."""
    assert "+new" in shown(STEP, Detail(diff=True))
    assert "+new" not in shown(STEP, Detail())
    assert "reload" in shown(STEP, Detail())


def test_quiet_leaves_out_what_is_unchanged() -> None:
    """A step with nothing to do is one line, and none with --quiet."""
    step = StepReport("compose", "5. Compose", "unchanged")
    assert "unchanged" in shown(step, Detail())
    assert shown(step, Detail(quiet=True)) == ""


def test_verdicts_are_counted() -> None:
    """The recap counts several verdicts as one number."""
    verdicts = Verdicts(["changed", "unchanged"])
    verdicts.add("would change")
    assert (verdicts.count("changed", "would change"), verdicts.count("failed")) == (2, 0)
