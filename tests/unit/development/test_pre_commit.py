"""The hooks of pre-commit are what `invoke check` runs."""

from pathlib import Path

import yaml

from tests.suite import STYLE, UNIT

CONFIGURATION = Path(__file__).parents[3] / ".pre-commit-config.yaml"


def test_hooks_are_the_checks() -> None:
    """Word for word and in the same order, from the environment of the checkout, over all files."""
    (repository,) = yaml.safe_load(CONFIGURATION.read_text())["repos"]
    assert repository["repo"] == "local"
    assert tuple(hook["entry"] for hook in repository["hooks"]) == (*STYLE, UNIT)
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in repository["hooks"])
