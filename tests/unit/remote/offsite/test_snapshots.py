"""What restic lists, as the catalogue shows backups."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployer.backups.catalogue import Backup
from deployer.backups.catalogue import parse as parse_lines
from deployer.remote.offsite.snapshots import parse

TAGS = ["deployer", "web_20260102_030405", "size=17", "release=r1"]
ONE: dict[str, object] = {"time": "2026-01-02T03:04:05.123456789Z", "tags": TAGS, "id": "ab12cd34", "hostname": "web"}
OTHERS: list[dict[str, object]] = [{"id": "cd34ef56", "tags": None}, {"id": "ef56ab12", "tags": ["deployer"]}]


def test_a_snapshot() -> None:
    """Read like a backup; what the tool did not make is left out, warnings around the answer as well."""
    (found,) = parse("web", f"warning: slow\n{json.dumps([*OTHERS, ONE])}\n").values()
    assert parse_lines(found.line) == (Backup("web_20260102_030405", "2026-01-02T03:04:05Z", 17, release="r1"),)
    assert json.loads(found.line)["snapshot"] == "ab12cd34"


def test_copied_twice() -> None:
    """Counts once, as the later one; both are known."""
    (found,) = parse("web", json.dumps([ONE, {**ONE, "id": "00112233"}])).values()
    assert found.snapshots == ("ab12cd34", "00112233")
    assert json.loads(found.line)["snapshot"] == "00112233"


@pytest.mark.parametrize("printed", ["", "[]", "null", "[", "[" * 100_000])
def test_none(printed: str) -> None:
    """An empty repository, or no answer at all."""
    assert parse("web", printed) == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": ["deployer", "other_20260102_030405"]},
        {"tags": ["deployer", "../web_20260102_030405"]},
        {"id": "--help"},
        {"id": None},
        {"time": "yesterday"},
    ],
)
def test_what_becomes_a_path_or_a_word(changed: dict[str, object]) -> None:
    """Another deployment's, and names that would lead elsewhere, are left out."""
    assert parse("web", json.dumps([{**ONE, **changed}])) == {}


VALUE = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.sampled_from(TAGS))


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUE | st.dictionaries(st.sampled_from(["id", "tags", "time"]), VALUE)))
@example([{**ONE, "tags": [*TAGS, "size=" + "9" * 5000]}])
@example([{**ONE, "tags": [*TAGS, "size=²"]}])
def test_any_shape(entries: list[object]) -> None:
    """Nothing breaks over it."""
    parse("web", json.dumps(entries))
