"""What reaches a terminal: no control character of a host's, and nothing that its encoding cannot show."""

from deployer.output.report import ChangeState
from deployer.text.printable import printable

MARKS: dict[ChangeState, str] = {"": "·", "done": "✓", "undone": "✓", "failed": "✗", "not run": "-"}
"""In front of a change, by what became of it."""
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ASCII = str.maketrans({"·": "-", "✓": "+", "✗": "x", "→": "->", "│": "|", "…": "...", "–": "-", _REPLACED: "?"})


def shown_in(encoding: str, text: str) -> str:
    """The text, of some lines perhaps, as an output of this encoding can show it."""
    text = "\n".join(printable(line) for line in text.split("\n"))
    return text if encoding.lower().replace("-", "").startswith("utf") else text.translate(_ASCII)
