"""The workflow of GitHub Actions: pinned, limited, with few rights, and on each Python that is promised."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXT = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
WORKFLOW = yaml.safe_load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_actions_are_pinned() -> None:
    """By the commit's SHA, with its version as a comment; a tag can be moved later."""
    used = re.findall(r"uses: (.*)", "".join(file.read_text() for file in FILES))
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_rights() -> None:
    """The token may read the repository, in every job, and is not left in the clone."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not [name for name, job in JOBS.items() if "permissions" in job]
    assert TEXT.count("uses: actions/checkout@") == TEXT.count("persist-credentials: false") == len(JOBS)


def test_limits() -> None:
    """Each job has a time limit, and a newer push to a pull request ends the older run."""
    assert all(job["timeout-minutes"] <= 150 for job in JOBS.values())
    assert set(WORKFLOW["concurrency"]) == {"group", "cancel-in-progress"}


def test_every_python() -> None:
    """The unit tests run on each version of the classifiers, the lowest of them being `requires-python`."""
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert JOBS["unit"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_same_command_as_a_person() -> None:
    """Nothing is tested in another way than at home."""
    assert JOBS["hosts"]["steps"][-1]["run"] == "script/test"
    assert JOBS["unit"]["steps"][-1]["run"].endswith("invoke check")
