"""The pages at the top of the repository name commands and files that exist."""

import re
from pathlib import Path

import pytest

from deployer.commands import NAMES
from tasks import namespace

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
TASKS = set(namespace.task_names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link, and each file in backticks, is there."""
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    named = re.findall(r"`((?:tests|docs|script|inventory)/[\w./-]+)`", text)
    written = ("inventory/prod.toml", "inventory/NAME.env")
    assert [link for link in (*links, *named) if link not in written and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """Each `deployer NAME`, `invoke NAME` and `script/NAME`, in a block or in backticks."""
    text = page.read_text()
    code = "\n".join(
        [*re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    )
    assert set(re.findall(r"^deployer ([a-z]+)", code, re.MULTILINE)) <= set(NAMES)
    assert set(re.findall(r"^invoke ([a-z]+)", code, re.MULTILINE)) <= TASKS
    assert all((ROOT / script).exists() for script in re.findall(r"^script/\w+", code, re.MULTILINE))


def test_every_command_is_in_the_readme() -> None:
    """But for `demo`, which script/demo runs."""
    text = (ROOT / "README.md").read_text()
    assert [name for name in NAMES if f"deployer {name} " not in text] == ["demo"]


def test_contributing_fits_a_screen() -> None:
    """A page that is read before the first change."""
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 45


def test_no_placeholders() -> None:
    """A reader can copy what is there."""
    assert not [page.name for page in PAGES if "REPOSITORY" in page.read_text()]
