"""What `init` writes."""

from pathlib import Path
from stat import S_IMODE

import pytest

from deployer.errors import InventoryError, UsageError
from deployer.inventory.create import Answers, create
from deployer.inventory.load import load

ANSWERS = Answers("203.0.113.10", "example.com", "admin@example.com")


def test_what_is_created_can_be_loaded(tmp_path: Path) -> None:
    """The answers are in it, everything else is the default."""
    answers = Answers("203.0.113.10", "example.com", "a@example.com", {"ssh.port": 2222, "backend.overlap": False})
    file, secrets = create(tmp_path / "inventory", "prod", answers)
    loaded = load(tmp_path / "inventory", "prod")
    assert (loaded.file, loaded.ssh.port, loaded.backend.overlap) == (file, 2222, False)
    assert (secrets.name, loaded.secrets) == ("prod.env", {})
    assert loaded.site.email == "a@example.com"


def test_the_secrets_file_is_the_owners_only(tmp_path: Path) -> None:
    """From the first moment, whatever the umask says."""
    _, secrets = create(tmp_path, "prod", ANSWERS)
    assert S_IMODE(secrets.stat().st_mode) == 0o600


def test_comments_are_keys_that_work(tmp_path: Path) -> None:
    """Whoever takes the # away has a valid file (but for the key file, which is the operator's)."""
    file, _ = create(tmp_path, "prod", ANSWERS)
    lines = [line.removeprefix("# ") if " = " in line else line for line in file.read_text().splitlines()]
    file.write_text("\n".join(line for line in lines if "identity_file" not in line))
    assert load(tmp_path, "prod").environment == {"CARDANO_NETWORK": "mainnet"}


@pytest.mark.parametrize("there", ["prod.toml", "prod.env"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    """Neither file is written when one is there."""
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match=f"{there} already exists"):
        create(tmp_path, "prod", ANSWERS)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_wrong_answer_leaves_nothing(tmp_path: Path) -> None:
    """All mistakes at once, as for a file, and no file."""
    with pytest.raises(InventoryError) as caught:
        create(tmp_path / "inventory", "prod", Answers("a b", 'x"\n[tls]', further={"ssh.prt": 1}))
    assert len(caught.value.what.splitlines()) == 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["\udcff", "\x7f", "😀", "\\", '"', "\x00"])
def test_any_answer_ends_in_a_message(tmp_path: Path, text: str) -> None:
    """What a terminal may send breaks neither the file nor the tool."""
    with pytest.raises(UsageError, match=r"prod\.toml: "):
        create(tmp_path, "prod", Answers(text, "example.com", "a@example.com"))


def test_a_host_name_is_checked_first(tmp_path: Path) -> None:
    """`init ../x` writes nowhere."""
    with pytest.raises(InventoryError, match=r"^host: got"):
        create(tmp_path, "../x", ANSWERS)
