"""`demo`: what it refuses, and the command that visits it."""

from pathlib import Path

import pytest

from deployer.commands import demo
from deployer.errors import UsageError
from testbed import demo as host

from .fakes import choices


@pytest.mark.parametrize("action", ["", "restart"])
def test_another_word_is_refused(action: str) -> None:
    """Exit 2, and the two commands that there are."""
    with pytest.raises(UsageError) as raised:
        demo.demo(choices(action=action))
    assert "demo up" in raised.value.remedy


def test_an_installed_package_has_no_test_bed(tmp_path: Path) -> None:
    """The error names what is needed."""
    with pytest.raises(UsageError, match="checkout"):
        demo.add_testbed_to_path(tmp_path)


def test_anothers_demo_toml_is_kept(tmp_path: Path) -> None:
    """Neither overwritten nor removed."""
    (tmp_path / "demo.toml").write_text("# mine\n")
    for action in ("up", "down"):
        with pytest.raises(UsageError, match=r"demo\.toml"):
            demo.demo(choices(action=action, inventory=str(tmp_path)))
    assert (tmp_path / "demo.toml").read_text() == "# mine\n"


def test_the_command_that_visits_it() -> None:
    """Its name is not in DNS."""
    assert host.curl("192.0.2.7") == (
        "curl --insecure --resolve wallet.demo.test:443:192.0.2.7 https://wallet.demo.test/"
    )
