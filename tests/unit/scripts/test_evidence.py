"""drilled.py: counts against the manifest, rows against rows, and a line of evidence that is whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.backups.scripts import evidence as drilled

NAMES = ("volumes data logs", "config .env nginx/nginx.conf")
LINES = (
    {"path": "data", "type": "directory", "size": 0},
    {"path": "data/a b", "type": "file", "size": 3},
    {"path": "data/link", "type": "link", "size": 0},
    {"path": "logs/x", "type": "file", "size": 4},
    {"path": ".env", "type": "file", "size": 5},
)
VALUES = ("2025-10-12T04:00:00Z", "x_1", "failed", 'it\'s "damaged"', "2.5", "23", "said\nthis", "null", "a@b")


def count(directory: Path, volumes: tuple[int, int] = (2, 7), config: tuple[int, int] = (1, 5)) -> tuple[int, str]:
    manifest = directory / "manifest"
    parts = {"volumes": volumes, "config": config, "ssl": (9, 9)}
    listed = [{"part": part, "files": files, "unpacked": size} for part, (files, size) in parts.items()]
    manifest.write_text(json.dumps({"parts": listed}))
    ran = subprocess.run(
        [sys.executable, drilled.__file__, "count", str(manifest), *NAMES],
        input="".join(json.dumps(line) + "\n" for line in LINES),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.strip()


def asked(*words: str) -> tuple[int, str]:
    """Exit code and answer."""
    try:
        return 0, drilled.QUESTIONS[words[0]](*words[1:])
    except drilled.Differs as differs:
        return 1, str(differs)


class TestCount:
    def test_as_many(self, tmp_path: Path) -> None:
        """How many files there are; directories and links are none."""
        assert count(tmp_path) == (0, "3")

    @pytest.mark.parametrize("counts", [(3, 7), (2, 8)])
    def test_other_than_in_the_manifest(self, tmp_path: Path, counts: tuple[int, int]) -> None:
        """The part is named, with both."""
        code, said = count(tmp_path, volumes=counts)
        wanted = f"{counts[0]} files of {counts[1]} bytes"
        assert (code, said) == (1, f"volumes: 2 files of 7 bytes were unpacked, the manifest lists {wanted}")


class TestRows:
    def test_as_many(self) -> None:
        """In each table, in whatever order they are told."""
        said = "5 rows in 2 tables, as many in each as there were"
        assert asked("rows", '{"a": 2, "b": 3}', '{"b": 3, "a": 2}') == (0, said)

    def test_empty(self) -> None:
        """A database without a table is one."""
        assert asked("rows", "{}", "{}")[0] == 0

    def test_others(self) -> None:
        """Each table that differs, the first three by name."""
        code, said = asked("rows", '{"a": 2, "b": 3, "c": 1, "d": 1}', '{"b": 2, "a": 2, "e": 0}')
        assert code == 1
        assert said == (
            "the restored database differs from the backup: b has 2 rows, and had 3; c has no rows, and had 1; "
            "d has no rows, and had 1; and 1 more tables"
        )

    def test_not_counted(self) -> None:
        """A manifest without counts proves nothing."""
        assert asked("rows", "null", "{}") == (
            1,
            "the restored database differs from the backup: the manifest counts no rows",
        )


class TestRecord:
    def test_line(self, tmp_path: Path) -> None:
        """JSON with every value under its name, numbers as numbers."""
        file = tmp_path / "drills.jsonl"
        for _ in range(2):
            assert asked("record", str(file), *VALUES) == (0, "")
        first, second = map(json.loads, file.read_text().splitlines())
        assert first == second
        assert (first["seconds"], first["files"], first["rows"], first["why"]) == (2.5, 23, None, 'it\'s "damaged"')
        assert (first["check"], first["who"]) == ("said\nthis", "a@b")

    def test_after_half_a_line(self, tmp_path: Path) -> None:
        """Without power in the middle of a line the next one begins anew."""
        file = tmp_path / "drills.jsonl"
        file.write_text('{"time": "2025')
        asked("record", str(file), *VALUES)
        half, whole = file.read_text().splitlines()
        assert half == '{"time": "2025'
        assert json.loads(whole)["backup"] == "x_1"
