"""The catalogue: which backups there are, which are complete; what was brought from elsewhere is data."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deployer.backups.catalogue import Backup, parse
from deployer.remote.backup.catalogue import LARGEST, backups, catalogue, complete, look_at
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from tests.unit.remote.backup.directories import change_manifest, make, sum_up

NAME = "biometric-did_20260102_030405"


@pytest.fixture
def made(host: Host) -> Path:
    """A complete backup."""
    return make(host.config.backups, NAME)


def part(made: Path, name: str) -> Path:
    (path,) = (path for path in made.iterdir() if f"_{name}." in path.name or path.name == name)
    return path


def known(host: Host, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Backup, ...]:
    """As the operator's side reads it."""
    backups(host, words)
    return parse(capsys.readouterr().out)


def problem(host: Host) -> str:
    return catalogue(host.config)[0].problem


class TestComplete:
    def test_one(self, host: Host, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """With its manifest; not verified again so far."""
        (found,) = known(host, capsys)
        wanted = Backup(NAME, "2026-01-02T03:04:05Z", size=4, parts=("volumes", "config", "ssl"), release="r1")
        assert found == wanted
        (made / "verified").write_text("2026-02-03T04:05:06Z\n")
        assert known(host, capsys)[0].verified == "2026-02-03T04:05:06Z"

    def test_the_latest(self, host: Host, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Oldest first, all of them or as many as are wanted."""
        names = [make(host.config.backups, f"biometric-did_2026020{day}_000000").name for day in (2, 1)]
        assert [one.id for one in known(host, capsys)] == [NAME, *reversed(names)]
        assert [one.id for one in known(host, capsys, "2")] == [*reversed(names)]

    def test_as_older_versions_wrote_it(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        """A release as the log has it, or none; rows, and the seconds of the pause."""
        log = {"id": "20251012_020000-0a1b2c3", "commit": "0a1b2c3" + 33 * "d", "result": "deployed"}
        tags = {"backend-api": "biometric-did/backend-api:0a1b2c3", "demo-wallet": "x@sha256:0f"}
        make(host.config.backups, NAME, release={**log, "tags": tags}, still=0.4, rows={"public.users": 7})
        make(host.config.backups, "biometric-did_20260101_000000", release=None)
        none, full = known(host, capsys)
        assert (none.problem, none.release, full.problem, full.images) == ("", "", "", tags)
        assert (full.paused, full.rows) == (0.4, {"public.users": 7})

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files", "manifest.json", "SHA256SUMS"])
    def test_a_missing_file(self, host: Host, made: Path, name: str) -> None:
        """Named; and never taken for a complete one."""
        path = part(made, name)
        path.unlink()
        assert f"{path.name} is missing" in problem(host)
        assert complete(host.config) == []

    @pytest.mark.parametrize("name", ["volumes", "config", "ssl", "files"])
    def test_a_part_of_another_size(self, host: Host, made: Path, name: str) -> None:
        """Cut off, or longer."""
        part(made, name).write_text("xy")
        assert problem(host) == f"{part(made, name).name} has 2 bytes instead of 1"

    def test_a_manifest_that_names_less(self, host: Host, made: Path) -> None:
        """A part that is not in it is not known to be complete."""
        change_manifest(made, lambda found: {**found, "parts": [{"file": part(made, "ssl").name, "bytes": 1}]})
        assert problem(host) == "its manifest names no volumes"

    def test_sums_that_name_less(self, host: Host, made: Path) -> None:
        """What has no sum could be anything."""
        path = part(made, "SHA256SUMS")
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "_config" not in line))
        assert problem(host) == f"SHA256SUMS does not name {part(made, 'config').name}"

    def test_what_is_not_ours(self, host: Host, made: Path) -> None:
        """Files, other names, unfinished ones: neither shown nor in the way."""
        directory, name = host.config.backups, host.config.name
        (directory / "notes.txt").touch()
        (directory / f"{name}_20250101_000000").touch()
        for other in (f".{name}_20250101_000000.unfinished", f"{name}-b_20250101_000000", f"{name}_2025", "lost+found"):
            (directory / other).mkdir()
        assert [one.id for one in catalogue(host.config)] == [NAME]

    def test_no_directory(self, host: Host) -> None:
        """No backup yet; what is no directory is an error."""
        assert catalogue(host.config) == []
        host.config.backups.parent.mkdir(parents=True, exist_ok=True)
        host.config.backups.touch()
        with pytest.raises(Failure, match="cannot be read: Not a directory"):
            catalogue(host.config)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["parts", "time", "release"]), inner),
)
ENTRY = {"part": "volumes", "file": "../../../etc/passwd", "bytes": 1}


class TestHostile:
    """A backup directory that was brought from elsewhere."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(JSON)
    @example([])
    @example({"parts": 7, "time": [], "release": "x"})
    @example({"parts": [ENTRY, {"file": {}, "bytes": True}], "still": "soon", "rows": [1], "bytes": 10**30})
    @example({"parts": [], "still": float("inf"), "bytes": float("nan")})
    def test_a_manifest_of_any_shape(self, made: Path, capsys: pytest.CaptureFixture[str], value: object) -> None:
        """It is incomplete; nothing breaks over it, neither here nor on the operator's side."""
        (made / "manifest.json").write_text(json.dumps(value))
        sum_up(made)
        found = look_at(made.parent, made.name)
        assert found.problem
        line = json.dumps({"id": found.id, "problem": found.problem, "manifest": found.manifest})
        assert parse(line)[0].problem == found.problem

    @pytest.mark.parametrize("key", ["still", "rows", "bytes", "unpacked"])
    @pytest.mark.parametrize("value", ["soon", [], {}, None, {"a": []}])
    def test_other_entries(self, host: Host, capsys: pytest.CaptureFixture[str], key: str, value: object) -> None:
        """What only describes it counts as nothing where it is no number."""
        make(host.config.backups, NAME, **{key: value})
        (found,) = known(host, capsys)
        assert (found.problem, found.paused) == ("", 0.0)

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            '{"parts":' * 100_000,
            '{"time": ' + "[" * 500 + "]" * 500 + "}",
            '{"bytes": ' + "9" * 500_000 + "}",
            '{"bytes": -' + "9" * 500_000 + "}",
            "é\udc80",
            '{"id": "\\ud800"}',
            "",
        ],
        ids=["lists", "objects", "deep", "number", "negative", "no UTF-8", "half a character", "nothing"],
    )
    def test_text_that_breaks_parsers(self, host: Host, made: Path, text: str) -> None:
        """Too deep, too long, no text at all: it counts as unreadable, within a moment."""
        (made / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        sum_up(made)
        began = time.monotonic()
        assert problem(host) == "its manifest cannot be read"
        assert time.monotonic() - began < 2

    @pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS"])
    def test_endless(self, host: Host, made: Path, name: str) -> None:
        """A sparse file of a terabyte is not read into memory."""
        with (made / name).open("r+b") as file:
            file.truncate(1 << 40)
        assert problem(host)
        (made / name).write_bytes(b" " * (LARGEST + 1))
        assert problem(host)

    @pytest.mark.parametrize("name", ["volumes", "manifest.json", "SHA256SUMS"])
    def test_a_link(self, host: Host, made: Path, tmp_path: Path, name: str) -> None:
        """It is none of the backup's files, whatever it leads to."""
        path = part(made, name)
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
        assert problem(host) == f"{path.name} is not a regular file"

    def test_a_link_to_a_backup(self, host: Host, made: Path, tmp_path: Path) -> None:
        """It is no backup."""
        made.rename(tmp_path / NAME)
        made.symlink_to(tmp_path / NAME)
        assert catalogue(host.config) == []

    def test_a_pipe(self, host: Host, made: Path) -> None:
        """Nothing waits for somebody who writes into it."""
        for name in ("manifest.json", "verified"):
            (made / name).unlink(missing_ok=True)
            os.mkfifo(made / name)
        assert problem(host) == "manifest.json is not a regular file"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("release", {"id": "../../x"}),
            ("release", {"id": "-rf"}),
            ("release", {"id": "a b"}),
            ("release", {"id": "r1", "commit": "--upload-pack=x"}),
            ("release", {"id": "r1", "tags": {"backend-api": "--privileged"}}),
            ("release", {"id": "r1", "tags": {"backend-api": "x\ny"}}),
            ("release", {"id": "r1", "tags": ["x"]}),
            ("release", "r1"),
            ("time", "yesterday"),
            ("time", "2026-13-01T00:00:00Z"),
            ("time", None),
        ],
    )
    def test_what_becomes_a_path_or_a_word(self, host: Host, key: str, value: object) -> None:
        """Names that would lead elsewhere or would be options make the backup incomplete."""
        make(host.config.backups, NAME, **{key: value})
        assert problem(host).startswith(f"its manifest names no {key}")

    def test_a_time_of_verification(self, host: Host, made: Path) -> None:
        """Only a time counts."""
        (made / "verified").write_text("\x1b[2J")
        assert catalogue(host.config)[0].verified == ""
