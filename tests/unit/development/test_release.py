"""`invoke release` in a repository of its own: each reason to refuse, and what a release is."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from development.release import Refused, git, release

CHECKOUT = Path(__file__).parents[3]
DAY = date(2026, 11, 28)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Something.\n\n## 0.1.0 - 2026-01-01\n\n- The first.\n"
NOTHING_NEW = CHANGELOG.replace("### Added\n\n- Something.\n\n", "")


def passed() -> None:
    """Tests that pass."""


def never() -> None:
    pytest.fail("the tests were run although the release is refused")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean repository on main, with version 0.1.0, its tag, and one unreleased entry."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where git runs the tests as a hook
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gitconfig").write_text("[user]\nname = A\nemail = a@example.com\n")
    place = tmp_path / "checkout"
    (place / "deployer").mkdir(parents=True)
    git(place, "init", "--quiet", "--initial-branch=main")
    (place / "deployer" / "__init__.py").write_text('"""What it is."""\n\n__version__ = "0.1.0"\n')
    commit(place, CHANGELOG)
    git(place, "tag", "--annotate", "-m", "0.1.0", "v0.1.0")
    return place


def commit(place: Path, changelog: str) -> None:
    (place / "CHANGELOG.md").write_text(changelog)
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "Change something")


def refused(place: Path, version: str, test: Callable[[], None] = never) -> str:
    """Why; nothing is written, committed or tagged, and the tests were not run."""
    before = state(place)
    with pytest.raises(Refused) as caught:
        release(place, version, DAY, test)
    assert state(place) == before
    return str(caught.value)


def state(place: Path) -> tuple[str, ...]:
    return git(place, "rev-parse", "HEAD"), git(place, "tag"), git(place, "status", "--porcelain")


class TestRelease:
    def test_files(self, checkout: Path) -> None:
        """The version is written, the entries get version and day, and "Unreleased" is empty again."""
        assert release(checkout, "0.2.0", DAY, passed) == "v0.2.0"
        assert '__version__ = "0.2.0"\n' in (checkout / "deployer" / "__init__.py").read_text()
        text = (checkout / "CHANGELOG.md").read_text()
        assert "## Unreleased\n\n## 0.2.0 - 2026-11-28\n\n### Added\n\n- Something.\n\n## 0.1.0" in text

    def test_commit_and_tag(self, checkout: Path) -> None:
        """One commit with both files, and an annotated tag that has the entries, headings too."""
        before = git(checkout, "rev-parse", "HEAD")
        release(checkout, "0.2.0", DAY, passed)
        assert git(checkout, "log", "--format=%s %P", "-1") == f"Release 0.2.0 {before}"
        assert git(checkout, "show", "--format=", "--name-only").split() == ["CHANGELOG.md", "deployer/__init__.py"]
        assert git(checkout, "rev-parse", "v0.2.0^{commit}") == git(checkout, "rev-parse", "HEAD")
        assert git(checkout, "cat-file", "-t", "v0.2.0") == "tag"
        assert "### Added\n\n- Something." in git(checkout, "tag", "--list", "--format=%(contents)", "v0.2.0")
        assert git(checkout, "status", "--porcelain") == ""

    def test_version_in_the_code_without_a_tag(self, checkout: Path) -> None:
        """The very first release may have the version that the code has had all along."""
        git(checkout, "tag", "--delete", "v0.1.0")
        assert release(checkout, "0.1.0", DAY, passed) == "v0.1.0"


class TestRefusals:
    def test_dirty_tree(self, checkout: Path) -> None:
        """Names what is not committed, new files too."""
        (checkout / "new.py").write_text("")
        assert "not committed:\n?? new.py" in refused(checkout, "0.2.0")

    def test_other_branch(self, checkout: Path) -> None:
        """Names the branch."""
        git(checkout, "switch", "--quiet", "--create", "topic")
        assert "from the branch main, and this is topic" in refused(checkout, "0.2.0")

    def test_no_branch(self, checkout: Path) -> None:
        """A detached HEAD is no branch."""
        git(checkout, "switch", "--quiet", "--detach")
        assert "this is a detached HEAD" in refused(checkout, "0.2.0")

    @pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3rc1", "1.02.3", "1.2.3.4"])
    def test_not_a_version(self, checkout: Path, version: str) -> None:
        """Three numbers, nothing else."""
        assert f'"{version}" is not a version' in refused(checkout, version)

    def test_older(self, checkout: Path) -> None:
        """Older than the version in the code."""
        assert "0.0.9 is not newer than 0.1.0" in refused(checkout, "0.0.9")

    def test_older_than_a_tag(self, checkout: Path) -> None:
        """Compared as numbers: 0.9.0 is older than 0.10.0."""
        git(checkout, "tag", "v0.10.0")
        assert "0.9.0 is not newer than 0.10.0" in refused(checkout, "0.9.0")

    def test_tagged(self, checkout: Path) -> None:
        """A tag is never moved."""
        assert "The tag v0.1.0 exists" in refused(checkout, "0.1.0")

    @pytest.mark.parametrize(
        "changelog", [NOTHING_NEW, "# Changelog\n", NOTHING_NEW.replace("sed\n", "sed\n\nText.\n")]
    )
    def test_nothing_to_release(self, checkout: Path, changelog: str) -> None:
        """No section, an empty one, or one without an entry; those of older releases do not count."""
        commit(checkout, changelog)
        assert 'no entry under "Unreleased"' in refused(checkout, "0.2.0")

    def test_all_at_once(self, checkout: Path) -> None:
        """One run names every reason."""
        commit(checkout, NOTHING_NEW)
        git(checkout, "switch", "--quiet", "--create", "topic")
        assert len(refused(checkout, "0.1.0").splitlines()) == 3

    def test_red_tests(self, checkout: Path) -> None:
        """What the tests raise ends the release, with nothing written."""

        def red() -> None:
            raise subprocess.CalledProcessError(1, "pytest")

        before = state(checkout)
        with pytest.raises(subprocess.CalledProcessError):
            release(checkout, "0.2.0", DAY, red)
        assert state(checkout) == before

    def test_changed_during_the_tests(self, checkout: Path) -> None:
        """What was edited meanwhile was not tested."""

        def slow() -> None:
            (checkout / "CHANGELOG.md").write_text(CHANGELOG + "\n")

        with pytest.raises(Refused, match="not committed"):
            release(checkout, "0.2.0", DAY, slow)
        assert git(checkout, "tag") == "v0.1.0"

    def test_commit_fails(self, checkout: Path) -> None:
        """Both files are as before when git (here a hook) refuses the commit."""
        hook = checkout / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho no >&2; exit 1\n")
        hook.chmod(0o755)
        assert "git commit failed: no" in refused(checkout, "0.2.0", passed)


def test_option_version_is_the_tasks_own() -> None:
    """Invoke has a --version too, which would print Invoke's; after the task's name it is the task's."""
    words = (sys.executable, "-m", "invoke", "release", "--version", "nonsense")
    ran = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert '"nonsense" is not a version' in ran.stderr
