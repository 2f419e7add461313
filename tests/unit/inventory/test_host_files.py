"""Which inventory, and which host of it."""

from pathlib import Path

import pytest

from deployer.errors import InventoryError
from deployer.inventory.load import directory, find, hosts, load, members

from .example import SMALLEST


def with_hosts(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / f"{name}.toml").write_text(SMALLEST)
    return directory


def test_host_by_option_then_variable_then_the_only_one(tmp_path: Path) -> None:
    """The nearer to the command line, the stronger."""
    only = with_hosts(tmp_path, "prod", "example", "groups")
    assert find(only, "a", {"DEPLOYER_HOST": "b"}) == "a"
    assert find(only, None, {"DEPLOYER_HOST": "b"}) == "b"
    assert find(only, None, {"DEPLOYER_HOST": ""}) == "prod"


def test_several_hosts_are_listed(tmp_path: Path) -> None:
    """Nothing is guessed where it could be the wrong server."""
    with_hosts(tmp_path, "prod", "staging")
    with pytest.raises(InventoryError, match=r"choose a host: .* has prod, staging") as caught:
        find(tmp_path, None, {})
    assert caught.value.exit_code == 2


def test_no_host_says_how_to_make_one(tmp_path: Path) -> None:
    """A first run, also without the directory."""
    with pytest.raises(InventoryError, match="has no hosts yet") as caught:
        find(tmp_path / "absent", None, {})
    assert caught.value.remedy == "deployer init NAME"


@pytest.mark.parametrize("name", ["--help", "../x", "a/b", "", "A", "a.toml", "a\n", ".", "é", "groups", "-a"])
def test_a_host_is_neither_an_option_nor_a_path(tmp_path: Path, name: str) -> None:
    """A slip of the command line opens no other file."""
    with pytest.raises(InventoryError, match=r"^host: got "):
        find(tmp_path, name, {})
    with pytest.raises(InventoryError, match=r"^host: got "):
        load(tmp_path, name)


def test_a_missing_host_says_what_there_is(tmp_path: Path) -> None:
    """And what comes close, and how it would be made."""
    with_hosts(tmp_path, "prod", "staging")
    with pytest.raises(InventoryError, match=r"prd.toml: no such file: did you mean `prod`\?"):
        load(tmp_path, "prd")
    with pytest.raises(InventoryError, match=r"no such file; .* has prod, staging") as caught:
        load(tmp_path, "demo")
    assert caught.value.remedy == "deployer init demo"


def test_directory_by_option_variable_walking_up_and_home(tmp_path: Path) -> None:
    """In a checkout's subdirectory it is the checkout's inventory."""
    below = tmp_path / "checkout" / "docs" / "deep"
    below.mkdir(parents=True)
    environ = {"HOME": str(tmp_path / "home")}
    assert directory(None, environ, below) == below / "inventory"
    (tmp_path / "home" / ".config" / "deployer").mkdir(parents=True)
    assert directory(None, environ, below) == tmp_path / "home" / ".config" / "deployer"
    (tmp_path / "checkout" / "inventory").mkdir()
    assert directory(None, environ, below) == tmp_path / "checkout" / "inventory"
    environ["DEPLOYER_INVENTORY"] = "mine"
    assert directory(None, environ, below) == below / "mine"
    assert directory("/else", environ, below) == Path("/else")


def test_hosts_leave_out_what_is_none(tmp_path: Path) -> None:
    """The example, the groups and an editor's leavings."""
    with_hosts(tmp_path, "prod", "example", "groups", ".prod", "#prod#", "a b")
    assert hosts(tmp_path) == ["prod"]


def test_a_group_stands_for_its_hosts(tmp_path: Path) -> None:
    """In the order written; a host stands for itself."""
    with_hosts(tmp_path, "a", "b")
    assert members(tmp_path, "a") == ("a",)
    (tmp_path / "groups.toml").write_text('[groups]\nproduction = ["b", "a"]\n')
    assert members(tmp_path, "production") == ("b", "a")
    assert members(tmp_path, "a") == ("a",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[groups]\np = ["aa", "cc"]', 'groups.p: got "cc": every member is the name of a host, listed once'),
        ('[groups]\np = ["aa", "aaa"]', "did you mean `aa`"),
        ('[groups]\np = ["aa", "aa"]', "listed once"),
        ("[groups]\np = [1]", "groups.p: got 1: every member"),
        ('[groups]\np = "aa"', 'groups.p: got "aa": a group is a list'),
        ("[groups]\np = []", "a group is a list"),
        ('[groups]\naa = ["bb"]', "and not the name of a host"),
        ('[groups]\n"--x" = ["bb"]', "a group's name is"),
        ("x = 1", "expected one table"),
        ("groups = 1", "expected one table"),
        ("[groups", "not TOML"),
    ],
)
def test_mistakes_in_groups(tmp_path: Path, text: str, expected: str) -> None:
    """A group with a stranger in it is refused before the first host is touched."""
    with_hosts(tmp_path, "aa", "bb")
    (tmp_path / "groups.toml").write_text(text)
    with pytest.raises(InventoryError, match=r"groups\.toml: ") as caught:
        members(tmp_path, "p")
    assert expected in caught.value.what
