"""copies.py: what restic tells of its snapshots, as backups are told of."""

import json

import pytest

from deployer.backups.catalogue import Backup, parse
from deployer.backups.scripts.snapshots import main

TAGS = ["deployer", "web_20260102_030405", "size=17", "release=r1"]
ONE = {"time": "2026-01-02T03:04:05.123456789Z", "tags": TAGS, "id": "ab12", "hostname": "web"}
OTHERS: list[dict[str, object]] = [{"id": "cd34", "tags": None}, {"id": "ef56", "tags": ["deployer"]}]


def told(said: str, capsys: pytest.CaptureFixture[str]) -> str:
    main(said)
    return capsys.readouterr().out


def test_a_copy(capsys: pytest.CaptureFixture[str]) -> None:
    """Read like a backup; what the tool did not make is left out, warnings around the answer as well."""
    out = told(f"warning: slow\n{json.dumps([*OTHERS, ONE])}\n", capsys)
    assert parse(out) == (Backup("web_20260102_030405", "2026-01-02T03:04:05Z", 17, release="r1"),)
    assert json.loads(out)["snapshot"] == "ab12"


def test_copied_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts once."""
    assert len(told(json.dumps([ONE, ONE]), capsys).splitlines()) == 1


@pytest.mark.parametrize("said", ["", "[]", "null"])
def test_none(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty repository."""
    assert told(said, capsys) == ""
