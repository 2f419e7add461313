"""A new part of a backup is one class and one entry: everything else follows from that."""

from pathlib import Path

import pytest

from deployer.remote.backup import make, parts, verify
from deployer.remote.backup.settled import Settled
from deployer.remote.backup.tree import Item
from deployer.remote.host import Host

from .conftest import Site


def notes(host: Host) -> Settled:
    """A further part: the file of a host's administrator."""
    return Settled(host, "notes", (Item(host.config.root_directory, "notes"),))


def test_a_new_part(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is measured, archived, listed, counted, verified, and named in the manifest and in an estimate."""
    (site.root / "notes").mkdir()
    (site.root / "notes" / "today").write_text("nothing new")
    more = (*parts.PARTS, notes)
    for module in (parts, make, verify):
        monkeypatch.setattr(module, "PARTS", more)
    make.estimate(site.host)
    assert "notes: 0.0 MB in notes\n" in capsys.readouterr().out
    made = site.backup()
    found = {part["part"]: part for part in site.manifest(made)["parts"]}  # type: ignore[attr-defined]
    assert (found["notes"]["files"], found["notes"]["unpacked"]) == (1, 11)
    assert (made / found["notes"]["file"]).is_file()
    assert "notes/today" in site.listed(made)
    assert verify.verify(site.host, made.name) == ""
    Path(made / found["notes"]["file"]).write_bytes(b"x" * found["notes"]["bytes"])
    assert "_notes.tar.zst is not what was written" in verify.verify(site.host, made.name)
