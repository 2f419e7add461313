"""A new part of a backup is one class and one entry: everything else follows from that."""

import json
from pathlib import Path

import pytest

from deployer.remote.backup import make, parts, verify
from deployer.remote.backup.settled import Settled
from deployer.remote.backup.tree import Item
from deployer.remote.host import Host
from deployer.remote.restore import wanted
from deployer.remote.restore.swap import Swap, present
from deployer.remote.restore.unpack import Unpacked

from .conftest import Site


def notes(host: Host) -> Settled:
    """A further part: the file of a host's administrator."""
    return Settled(host, "notes", (Item(host.config.root_directory, "notes"),))


def test_a_new_part(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is measured, archived, listed, counted, verified, restored, and named in the manifest and in an estimate."""
    (site.root / "notes").mkdir()
    (site.root / "notes" / "today").write_text("nothing new")
    more = {**parts.PARTS, "notes": notes}
    for module in (parts, make, verify, wanted):
        monkeypatch.setattr(module, "PARTS", more)
    make.estimate(site.host)
    assert "notes: 0.0 MB in notes\n" in capsys.readouterr().out
    made = site.backup()
    found = {part["part"]: part for part in site.manifest(made)["parts"]}  # type: ignore[attr-defined]
    assert (found["notes"]["files"], found["notes"]["unpacked"]) == (1, 11)
    assert (made / found["notes"]["file"]).is_file()
    assert "notes/today" in site.listed(made)
    assert verify.verify(site.host, made.name) == ""
    (site.root / "notes" / "today").write_text("something new")
    restored = wanted.parsed(json.dumps({"backup": made.name, "kinds": ["notes"], "services": "", "fallback": {}}))
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    assert Unpacked(site.host, made, unpacked).unpack(restored.parts(site.host)) == 1
    items = restored.items(site.host)
    Swap(items, unpacked, tmp_path / "former", present(items)).do()
    assert (site.root / "notes" / "today").read_text() == "nothing new"
    assert (tmp_path / "former" / "notes" / "today").read_text() == "something new"
    Path(made / found["notes"]["file"]).write_bytes(b"x" * found["notes"]["bytes"])
    assert "_notes.tar.zst is not what was written" in verify.verify(site.host, made.name)
