"""Every text that a user can meet, one a line: `python -m tests.unit.messages` writes them to messages.txt.

A change of a message is then seen in the diff of that file, among its neighbours, as a reviewer should read it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.unit import messages_bash, messages_python

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "deployer"
GOLDEN = Path(__file__).parent / "messages.txt"
SCRIPTS_OF_PYTHON = "backups/scripts"


def collected(package: Path = PACKAGE) -> str:
    """The content of messages.txt: sorted by file, each text once, without line numbers."""
    return "".join(f"{line}\n" for line in sorted(set(_lines(package))))


def _lines(package: Path) -> Iterator[str]:
    paths = [path for path in sorted(package.rglob("*")) if path.suffix in (".py", ".sh")]
    modules = {
        path: messages_python.Module(str(path), ast.parse(path.read_text())) for path in paths if path.suffix == ".py"
    }
    whole = messages_python.Package(tuple(modules.values()))
    for path in paths:
        found = (
            messages_python.texts(modules[path], whole) if path in modules else messages_bash.texts(path.read_text())
        )
        yield from (f"{path.relative_to(package)}: {line}" for text in found if (line := _line(text)))


def _line(text: str) -> str:
    """A text as one line; "" where it has no letters but those of what is put in."""
    return text.strip().replace("\n", "\\n") if _has_words(text) else ""


def _has_words(text: str) -> bool:
    depth, own = 0, []
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        own.append(letter if not depth else "")
    return sum(letter.isalpha() for letter in "".join(own)) > 1


if __name__ == "__main__":
    GOLDEN.write_text(collected())
    print(f"{GOLDEN.relative_to(ROOT)}: {len(collected().splitlines())} texts")
