"""The order of the host tests: what takes longest begins first, and what shares a host stays together."""

from pathlib import Path

import pytest

from tests.host import ordering
from tests.plugins import durations

SHARING = """
import pytest
@pytest.fixture(scope="module")
def host(): return 1
@pytest.mark.parametrize("number", range(2))
def test_shares(host, number): pass
def test_alone(): pass
def test_shares_too(host): pass
"""
ALONE = "def test_one(): pass\ndef test_two(tmp_path): pass\n"


@pytest.fixture
def collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[pytest.Item]:
    """The tests of three files, in the order of their names."""
    for name, text in (("test_a.py", ALONE), ("test_b.py", SHARING), ("test_new.py", ALONE)):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(durations, "TESTS", tmp_path)
    found: list[pytest.Item] = []

    class Keeping:
        def pytest_collection_finish(self, session: pytest.Session) -> None:
            found.extend(session.items)

    options = (
        "--collect-only",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:terminal",
    )
    assert pytest.main([str(tmp_path), f"--rootdir={tmp_path}", *options], plugins=[Keeping()]) == 0
    return found


def names(items: list[pytest.Item]) -> list[str]:
    return [f"{item.path.name} {item.name}" for item in items]


def test_longest_first_and_together(collected: list[pytest.Item]) -> None:
    """The group of four before single tests of more seconds each; a file that nobody knows counts as the median."""
    assert names(ordering.ordered(collected, {"test_a.py": 5.0, "test_b.py": 3.0, "test_c.py": 4.0})) == [
        *("test_b.py test_shares[0]", "test_b.py test_shares[1]", "test_b.py test_alone", "test_b.py test_shares_too"),
        *("test_a.py test_one", "test_a.py test_two"),
        *("test_new.py test_one", "test_new.py test_two"),
    ]


def test_what_goes_to_one_worker(collected: list[pytest.Item], tmp_path: Path) -> None:
    """A file with a fixture that its tests share, also one of its directory; else each test alone."""
    assert {ordering.group_of(item.nodeid, tmp_path) for item in collected} == {
        *("test_a.py::test_one", "test_a.py::test_two", "test_b.py", "test_new.py::test_one", "test_new.py::test_two")
    }
    (tmp_path / "conftest.py").write_text(SHARING)
    ordering.stays_together.cache_clear()
    assert ordering.group_of("test_a.py::test_one", tmp_path) == "test_a.py"


def test_a_report_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of a file's tests, without those that were skipped; files that are gone are left out."""
    monkeypatch.setattr(ordering, "TESTS", tmp_path)
    (tmp_path / "proxy").mkdir()
    for name in ("test_a.py", "proxy/test_b.py"):
        (tmp_path / name).touch()
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="tests.host.test_a" time="2"/><testcase classname="tests.host.test_a" time="4"/>'
        '<testcase classname="tests.host.test_a" time="9"><skipped/></testcase>'
        '<testcase classname="tests.host.proxy.test_b.TestClass" time="1"/>'
        '<testcase classname="tests.host.test_gone" time="1"/>'
        "</testsuite></testsuites>"
    )
    assert ordering.told(report) == {"test_a.py": 3.0, "proxy/test_b.py": 1.0}
