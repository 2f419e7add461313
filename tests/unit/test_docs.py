"""The documents say what is there: every file once, every block of the guide, and no name of something that is gone."""

import re
from pathlib import Path

import pytest

from tests.unit.test_structure import ORDER

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "deployer"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
COVERAGE = (ROOT / "docs" / "guide-coverage.md").read_text()
BLOCKS = [tuple(line.split("\t")) for line in (Path(__file__).parent / "guide_blocks.txt").read_text().splitlines()]
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in COVERAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]


class TestArchitecture:
    FOLDERS = re.findall(r"^\| `(\w+)/` \| (.+) \|$", ARCHITECTURE, re.MULTILINE)

    def test_every_folder(self) -> None:
        """Each folder of the package has one line, in the order in which imports point."""
        there = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
        assert [name for name, _ in self.FOLDERS] == [name for name in ORDER if name in there]

    def test_walks(self) -> None:
        """Each file that a walk passes is there."""
        named = re.findall(r"`([a-z_]+/[\w/.]+?)(?:\.changes)?`", ARCHITECTURE.partition("## Four walks")[2])
        there = [PACKAGE / name for name in named]
        assert len(named) > 25
        assert [str(path) for path in there if not path.exists() and not path.with_suffix(".py").exists()] == []

    def test_two_screens(self) -> None:
        """The page is short enough to be read."""
        assert len(ARCHITECTURE.splitlines()) <= 100


class TestCoverage:
    def test_every_block(self) -> None:
        """Each fenced block of the guide has its row, in the guide's order."""
        assert [int(row[0]) for row in ROWS] == list(range(1, len(BLOCKS) + 1))
        assert len(BLOCKS) == 44

    @pytest.mark.parametrize("number", range(1, len(BLOCKS) + 1))
    def test_row(self, number: int) -> None:
        """By its section and first line; with what covers it, and a reason where it is replaced."""
        _, section, first, state, what = ROWS[number - 1]
        wanted_section, wanted_first = BLOCKS[number - 1]
        assert section == wanted_section.replace("`", "")
        assert first.strip("`") == ("a drawing" if wanted_first.startswith("┌") else wanted_first)
        assert state in ("covered", "replaced", "to come")
        assert len(what) > 10
        assert state == "to come" or re.search("`deployer/", what)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
    def test_names_what_is_there(self, row: list[str]) -> None:
        """Each file that is named exists."""
        named = re.findall(r"`(deployer/[^`]+)`", row[4])
        assert [name for name in named if not (ROOT / name).exists()] == []

    def test_faults_in_comments_are_explained(self) -> None:
        """A number such as F12 or A3 in the code is found in the table."""
        explained = set(re.findall(r"^\| ([FA]\d+) \|", COVERAGE, re.MULTILINE))
        texts = (path.read_text() for path in PACKAGE.rglob("*") if path.suffix != ".pyc" and path.is_file())
        used = {number for text in texts for number in re.findall(r"\b[FA]\d{1,2}\b", text)}
        assert used
        assert sorted(used - explained) == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link and each `tests/…`, `docs/…` or `script/…` in backticks is there."""
    text = path.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`((?:tests|docs|script)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
