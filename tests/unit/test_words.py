"""Plain English: no word in the private sense that it once had in this project."""

from pathlib import Path

import pytest

from tests.unit.words import ROOT, WORDS, files, hits

PRIVATE = [
    ("told", "it is told by _tell_all()", ["told", "tell"]),
    ("told", 'told["volumes"]', ["told"]),
    ("asked (a step)", "def step(one: Asked[str])", ["Asked"]),
    ("asked (a step)", "class Backup(Asked)", ["Asked"]),
    ("whole (a backup)", "the newest whole backup is not whole", ["newest whole", "not whole"]),
    ("whole (a backup)", "whole() { shelf; }; whole_ones", ["whole", "whole_ones"]),
    ("read again", "it was read again by read_back", ["read again", "read_back"]),
    ("beside", 'unpack it beside what serves, in "$beside"', ["unpack it beside", "$beside"]),
    ("standing", "standing_items >standing; class Standing:", ["standing", "standing", "Standing"]),
    ("shelf", "shelf() { python3 -c; }; shelving", ["shelf", "shelving"]),
    ("still (a pause)", "hold_still; it stood still for $still s", ["hold_still", "stood still", "$still"]),
    ("founding", "founding steps; not founded", ["founding", "founded"]),
    ("copies (off-site)", "forget_copies: off-site copies there", ["forget_copies", "off-site copies"]),
    ("deaf", "goes deaf", ["deaf"]),
    ("foresee", "def foresee() -> foresight", ["foresee", "foresight"]),
    ("last words", "its last words: last_words", ["last words", "last_words"]),
    ("a person is needed", "going back failed: a person is needed", ["person is needed"]),
    ("room", "if has_room; room.refuse_little()", ["has_room", "room"]),
    ("newest", "_ask_newest(newest_commit)", ["ask_newest", "newest_commit"]),
    ("holder", "holder = Holder()", ["holder", "Holder"]),
    ("mend", "mend_restore, and mend it or put it right", ["mend", "mend", "put it right"]),
    ("drilled", "what was drilled", ["drilled"]),
    ("road", "by the same road", ["road"]),
    ("the former state", "the former state serves", ["former state"]),
    ("in sync", "it is in sync", ["in sync"]),
    ("as vendors hand out", "a server as vendors hand it out", ["vendors hand it out"]),
    ("class names", "class Going: # Workshop", ["class Going", "Workshop"]),
]

PLAIN = [
    ("told", "they are told apart by name; to tell two apart"),
    ("whole (a backup)", "the whole file is read; validated as a whole"),
    ("beside", "Beside `deployer/` stand testbed/ and bench/"),
    ("standing", "a long-standing problem; understanding; outstanding"),
    ("still (a pause)", "the job still runs"),
    ("copies (off-site)", "copies each file"),
    ("room", "There is not enough room on the disk"),
    ("newest", "the newest commit of the branch"),
    ("holder", 'a placeholder; "$lock.holder"'),
    ("mend", "a recommended amendment"),
    ("road", "broad, abroad, roadmap"),
    ("class names", "class RunContext: # Following this, go Back"),
]


@pytest.mark.parametrize(("name", "line", "found"), PRIVATE)
def test_private_sense(name: str, line: str, found: list[str]) -> None:
    """Each word is found as a word and inside identifiers."""
    assert WORDS[name].found(line) == found


def test_every_word_has_an_example() -> None:
    """A pattern that finds nothing would be silent for ever."""
    assert {name for name, _, found in PRIVATE if found} == set(WORDS)


@pytest.mark.parametrize(("name", "line"), PLAIN)
def test_plain_sense(name: str, line: str) -> None:
    """Where English means something else by the same letters, nothing is found."""
    assert WORDS[name].found(line) == []


def test_names_of_files(tmp_path: Path) -> None:
    """A file's name is searched too."""
    (tmp_path / "last_words.sh").write_text("true\n")
    assert [hit.line for hit in hits(tmp_path / "last_words.sh", tmp_path)] == [0]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_plain_english(path: Path) -> None:
    """No file has such a word, neither in its name nor in a line."""
    assert not list(hits(path)), "\n".join(map(str, hits(path)))
