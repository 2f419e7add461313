"""Which backup is chosen: the latest complete one whose name matches; and the message where there is none."""

import re
from datetime import UTC, datetime

import pytest

from deployer.backups.catalogue import Backup, choose, matching, parse
from deployer.errors import UsageError


def backups(*told: str) -> tuple[Backup, ...]:
    """Oldest first; a minus in front of a timestamp makes an incomplete one."""
    names = ((f"x-y_{time.removeprefix('-')}", "SHA256SUMS is missing" * time.startswith("-")) for time in told)
    return tuple(
        Backup(id=name, time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), problem=missing)
        for name, missing in names
    )


DAYS = backups("20251011_020000", "20251012_020000", "20251012_140000", "20251013_020000")


class TestChoose:
    @pytest.mark.parametrize(
        ("prefix", "meant"),
        [
            ("", "20251013_020000"),
            ("20251012", "20251012_140000"),
            ("20251012_02", "20251012_020000"),
            ("20251011_020000", "20251011_020000"),
            ("x-y_20251012", "20251012_140000"),
        ],
    )
    def test_newest_that_matches(self, prefix: str, meant: str) -> None:
        """Without a prefix of all; a complete id may be typed as it is listed."""
        assert choose(DAYS, prefix).backup.timestamp == meant
        assert choose(DAYS, prefix).skipped == ()

    def test_incomplete_ones_are_skipped_by_name(self) -> None:
        """Only those that are newer than the one that is taken, the newest first, each with its reason."""
        there = backups(
            "-20251012_010000", "20251012_020000", "-20251012_030000", "-20251012_040000", "20251013_020000"
        )
        choice = choose(there, "20251012")
        assert choice.backup.timestamp == "20251012_020000"
        *skipped, chosen = choice.summary.splitlines()
        assert re.fullmatch(r"backup x-y_20251012_020000, made \d seconds? ago", chosen)
        assert skipped == [
            "skipping x-y_20251012_040000, which is incomplete: SHA256SUMS is missing",
            "skipping x-y_20251012_030000, which is incomplete: SHA256SUMS is missing",
        ]

    def test_none_matches(self) -> None:
        """A usage error (exit 2) that lists what there is."""
        with pytest.raises(UsageError) as caught:
            choose(DAYS, "20240101")
        assert caught.value.exit_code == 2
        assert caught.value.what.startswith(
            "No complete backup starts with 20240101. These exist:\n  x-y_20251013_020000\n"
        )
        assert all(backup.id in caught.value.what for backup in DAYS)

    def test_only_incomplete_ones(self) -> None:
        """They are no choice, but named with what they lack."""
        with pytest.raises(UsageError, match=r"x-y_20251012_010000 \(incomplete: SHA256SUMS is missing\)"):
            choose(backups("-20251012_010000"), "20251012")

    def test_none_at_all(self) -> None:
        """The message names the command that makes one."""
        with pytest.raises(UsageError, match=r"No complete backup found\. There are no backups at all\.") as caught:
            choose(())
        assert "deployer backup" in caught.value.remedy

    def test_many(self) -> None:
        """The newest ten and a number: a message is no list of a year."""
        with pytest.raises(UsageError) as caught:
            choose(backups(*(f"202510{day:02}_020000" for day in range(1, 31))), "2024")
        assert caught.value.what.count("\n") == 11
        assert caught.value.what.endswith("and 20 older ones")


def test_matching_is_by_the_timestamp() -> None:
    """Not by what a name happens to hold."""
    assert [backup.timestamp for backup in matching(DAYS, "2025101")] == [backup.timestamp for backup in reversed(DAYS)]
    assert matching(DAYS, "_14") == matching(DAYS, "x-") == ()


def test_parse() -> None:
    """A manifest that cannot be read makes an incomplete backup, not an error."""
    (backup,) = parse('{"id": "x-y_20251012_020000", "problem": "its manifest cannot be read", "manifest": []}\n')
    assert (backup.problem, backup.size, backup.release) == ("its manifest cannot be read", 0, "")
