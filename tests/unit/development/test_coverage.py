"""`invoke coverage` prints ten files and the total."""

from development.coverage import least

RULE = "-" * 40
FILES = [f"deployer/file{number}.py     10      5    {number}%" for number in range(12)]


def test_ten_files_and_the_total() -> None:
    """Those with the smallest share come first in the report; all others are left out."""
    report = "\n".join(["Name Stmts Miss Cover", RULE, *FILES, RULE, "TOTAL 120 60 50%"])
    assert least(report).splitlines() == ["Name Stmts Miss Cover", *FILES[:10], "TOTAL 120 60 50%"]


def test_fewer_files() -> None:
    """A report of two files is printed as it is, without its rules."""
    report = "\n".join(["Name Stmts Miss Cover", RULE, *FILES[:2], RULE, "TOTAL 20 10 50%"])
    assert len(least(report).splitlines()) == 4
