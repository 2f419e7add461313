"""The report of coverage.py, cut to what is read: the files with the smallest share, and the total."""

import subprocess

FILES = 10


def summary() -> str:
    """Of the data in the working directory. Raises CalledProcessError where there is none."""
    words = ("coverage", "report", "--sort=cover")
    return least(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def least(report: str) -> str:
    """The heading, the first files of a report that is sorted by share, and its total."""
    heading, _, *files, _, total = report.splitlines()
    return "\n".join((heading, *files[:FILES], total))
