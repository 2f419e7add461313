"""Words that once had a private sense in this project, and the field's own words for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("deployer", "testbed", "bench", "development", "script", "docs")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
NO_TEXT = (".pyc", ".svg", ".png", ".json", ".lock")


@dataclass(frozen=True)
class Word:
    """What is searched for, as a regular expression in which each end is the end of a word; `_` ends one too."""

    pattern: str
    instead: str
    but: str = r"(?!)"
    """Where it may stand, as a regular expression over what is found with the 20 characters before and after it."""

    def found(self, line: str) -> list[str]:
        places = re.finditer(rf"(?<![A-Za-z])(?:{self.pattern})(?![a-z])", line)
        return [
            place[0] for place in places if not re.search(self.but, line[max(0, place.start() - 20) : place.end() + 20])
        ]


WORDS = {
    "told": Word(r"told|tells?|telling", "reported, shows, prints", but=r"(?:told|tells?) (?:\w+ )?apart"),
    "asked (a step)": Word(r"Asked(?=[(\[,)])|asked steps?", "one-off"),
    "whole (a backup)": Word(
        r"(?:not|is|are|be|was|newest|no|arrived?) whole|whole (?:ones?|backups?|snapshots?|cop(?:y|ies))"
        r"|whole_\w+|whole(?=\(\))",
        "complete",
        but="whole_file",  # a file from its first byte to its last is plain English
    ),
    "read again": Word(r"reads? (?:it |all |them |of them )?again|read back|read_back", "verified"),
    "beside": Word(
        r"[\w$]*_beside|\$\{?beside|beside(?==|_|\.|\)|/|,)|[\"']beside[\"']"
        r"|(?:unpack\w*|writ\w+|lay|laid|put|starts?|started|starting|restored?|kept|up) (?:it |them )?beside"
        r"|beside (?:what|the one|the old|the former)",
        "staging, alongside",
    ),
    "standing": Word(r"[Ss]tanding", "state, listing", but="long-standing"),
    "shelf": Word(r"shel(?:f|ves|ving)", "catalogue, manifest, retention"),
    "still (a pause)": Word(
        r"hold_still|h[eo]ld(?:s|ing)? still|st(?:and|ands|ood|anding) still|stood_still|standstill|\$still|still(?==)",
        "freeze, pause",
    ),
    "founding": Word(r"(?:un)?found(?:ing|ed)", "prerequisites"),
    "copies (off-site)": Word(
        r"off-site cop(?:y|ies)|(?:forget|choose|offsite|lay)_cop(?:y|ies)|copies(?=\(\)| >| there)",
        "off-site snapshots",
    ),
    "deaf": Word(r"deaf", "ignore signals"),
    "foresee": Word(r"[Ff]oresee\w*|[Ff]oresight|[Ff]oreseen", "preview, estimate"),
    "last words": Word(r"last[ _]words?", "log tail"),
    "a person is needed": Word(r"(?:person|somebody|someone) is needed", "manual intervention is required"),
    "room": Word(r"(?:has|make|need)_room|room_\w+|room(?=\.\w)", "capacity", but=r"room\.(?:$|\")"),
    "newest": Word(r"(?:ask)?_newest|newest_\w+|[\"']newest[\"']", "latest commit"),
    "holder": Word(
        r"[Hh]olders?",
        "lock owner",
        but=r"\.holder|/holder\"|lock-holder",  # names of files on hosts, of a unit in the bed
    ),
    "mend": Word(
        r"[Mm]end(?:s|ed|ing)?|puts? (?:it |them )?right|put_right",
        "recover, fix",
        # The verb of a program that any version may have left on a host.
        but=r"program\" mend|`mend`|mend\) finish|\(program\), \"mend\"",
    ),
    "drilled": Word(r"drilled", "evidence"),
    "road": Word(r"roads?", "procedure"),
    "the former state": Word(r"former state", "the previous release is still serving"),
    "in sync": Word(r"in[ _]sync", "unchanged"),
    "as vendors hand out": Word(r"vendors? (?:tells?|hands?) (?:it )?out", "a freshly installed server"),
    "class names": Word(
        r"Workshop|FromOutside"
        r"|class (?:Known|Planned|Acting|Operator|Going|Back|Following|Place|Talk|Sender)(?![A-Z])",
        "those of the field: LocalBuilder, OutsideCheck, Executor, SurveyResult, RunContext, ReleaseTarget, Endpoint",
    ),
}


@dataclass(frozen=True)
class Hit:
    path: str
    line: int
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text!r} ({self.name}): {WORDS[self.name].instead}"


def files(root: Path = ROOT) -> list[Path]:
    """What is searched: code, scripts, templates and pages; neither data nor what a build left."""
    there = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    pages = [root / page for page in PAGES if (root / page).exists()]
    return sorted(path for path in (*there, *pages) if path.suffix not in NO_TEXT and not _is_built(path, root))


def _is_built(path: Path, root: Path) -> bool:
    """Whether it is a build's; `deployer/build/` is the folder that makes images."""
    return bool({"__pycache__", "node_modules", "build"} & set(path.relative_to(root).parts[2:-1]))


def hits(path: Path, root: Path = ROOT) -> Iterator[Hit]:
    """Those in the file's name (line 0) and in its lines."""
    name = str(path.relative_to(root))
    for number, line in enumerate((path.name, *path.read_text().splitlines())):
        yield from (Hit(name, number, word, text) for word, kind in WORDS.items() for text in kind.found(line))
