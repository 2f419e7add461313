"""The log of releases: what is read from it, and where a rollback leads."""

import json
from dataclasses import asdict

import pytest

from deployer.releases.log import Release, current, parse, previous, succeeded


def release(name: str, result: str = "deployed", **other: str) -> Release:
    told = {"time": "2026-01-01T00:00:00Z", "ref": "main", "commit": name * 8, "configuration": "c", **other}
    return Release(id=name, result=result, images={"backend-api": f"sha256:{name}"}, tags={"backend-api": name}, **told)


def log(*lines: tuple[str, str] | str) -> tuple[Release, ...]:
    """Deployed, unless another result is given."""
    return tuple(release(*((line,) if isinstance(line, str) else line)) for line in lines)


def line(told: Release) -> str:
    return json.dumps(asdict(told)) + "\n"


class TestParse:
    def test_lines(self) -> None:
        """Every field comes back, oldest first."""
        told = (release("a", who="ada@laptop"), release("b", "failed", why="the health gate failed"))
        assert parse("".join(map(line, told))) == told

    def test_nothing(self) -> None:
        """No log, no releases."""
        assert parse("") == ()

    @pytest.mark.parametrize(
        "broken",
        [
            '{"id": "b", "time": "2026',
            "",
            '{"id": 5, "time": "t", "ref": "r", "commit": "c", "configuration": "c", "result": "deployed"}',
            '{"id": "b", "time": "t", "ref": "", "commit": "c", "configuration": "", "result": "failed", "tags": null}',
            "\0\0\0\0",
            "[]",
            "1",
            "null",
            '"id"',
            "{}",
            '{"id": "b"}',
            '{"commit": "b", "result": "deployed"}',
        ],
    )
    def test_broken_lines(self, broken: str) -> None:
        """Half-written without power, or not ours: it is left out, the others count."""
        assert parse(f"{line(release('a'))}{broken}\n{line(release('c'))}") == log("a", "c")

    def test_field_of_a_later_version(self) -> None:
        """What this version does not know is no reason to lose a release."""
        known = json.dumps({**asdict(release("a")), "signature": "x"})
        assert parse(known) == log("a")

    def test_line_of_an_earlier_version(self) -> None:
        """What came later may be missing."""
        told = {key: value for key, value in asdict(release("a")).items() if key not in ("who", "why", "tags")}
        (found,) = parse(json.dumps(told))
        assert (found.id, found.who, dict(found.tags)) == ("a", "", {})


class TestCurrent:
    def test_last_that_serves(self) -> None:
        """A failed one left the former serving."""
        found = current(log("a", "b", ("c", "failed")))
        assert found
        assert found.id == "b"

    def test_restored(self) -> None:
        """One that was gone back to serves."""
        found = current(log("a", "b", ("a", "restored"), ("c", "failed")))
        assert found
        assert (found.id, found.result) == ("a", "restored")

    @pytest.mark.parametrize("lines", [(), (("a", "failed"),)])
    def test_none(self, lines: tuple[tuple[str, str], ...]) -> None:
        """Nothing ever served."""
        assert current(log(*lines)) is None


class TestSucceeded:
    def test_each_once(self) -> None:
        """In the order in which they served last, without those that failed."""
        found = succeeded(log("a", "b", ("x", "failed"), ("a", "restored"), "c"))
        assert [(told.id, told.result) for told in found] == [
            ("b", "deployed"),
            ("a", "restored"),
            ("c", "deployed"),
        ]


class TestPrevious:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ((), None),
            (("a",), None),
            ((("a", "failed"), "b"), None),
            (("a", "b"), "a"),
            (("a", "b", "c"), "b"),
            (("a", "b", ("c", "failed")), "a"),
            # back once: what is left of is not gone back to
            (("a", "b", ("a", "restored")), None),
            (("a", "b", "c", ("b", "restored")), "a"),
            # back twice
            (("a", "b", "c", ("b", "restored"), ("a", "restored")), None),
            # and on again: b was left by the rollback
            (("a", "b", ("a", "restored"), "c"), "a"),
            (("a", "b", "c", ("a", "restored"), "d", "e"), "d"),
            (("a", "b", "c", ("a", "restored"), "d", "e", ("d", "restored")), "a"),
            # a failed rollback changes nothing
            (("a", "b", "c", ("a", "failed")), "b"),
            # forward again, with --to: what was left is one that serves, and what served before it the way back
            (("a", "b", ("a", "restored"), ("b", "restored")), "a"),
            # the log began later than the release that was restored
            ((("a", "restored"),), None),
            (("b", ("a", "restored")), "b"),
        ],
    )
    def test_is_a_stack(self, lines: tuple[tuple[str, str] | str, ...], expected: str | None) -> None:
        """The one that served before the current one was deployed."""
        found = previous(log(*lines))
        assert (found.id if found else None) == expected
