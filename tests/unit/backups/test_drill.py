"""Drills: the copy's compose file, and what is shown of the last one."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from deployer.backups.drill import Drill, compose_file, last
from deployer.inventory.model import Inventory
from tests.support.fakes import inventory

COPY = "/opt/biometric-did/.deployer/drill/new"
PASSED = Drill("2025-10-12T04:00:00Z", "x_20251012_020000", "passed", seconds=2.5, files=23, rows={"public.a": 3})
FAILED = Drill("2025-10-12T04:00:00Z", "x_20251012_020000", "failed", "it is damaged")
BOTH = {"command": ("serve",), "memory": "2G", "cpus": "1.5", "replicas": 3}


def copied(host: Inventory) -> dict[str, Any]:
    found = yaml.safe_load(compose_file(host))
    assert isinstance(found, dict)
    return found


class TestCopy:
    def test_closed(self) -> None:
        """A project and a network of its own, with no way out and no port."""
        document = copied(inventory())
        assert document["name"] == "biometric-did-drill"
        assert document["networks"] == {
            "default": {
                "name": "biometric-did-drill",
                "internal": True,
                "labels": {"deployer.drill": "biometric-did"},
            }
        }
        assert set(document["services"]) == {"backend-api"}
        assert not {"ports", "networks", "restart"} & set(document["services"]["backend-api"])

    def test_nothing_of_the_live_data(self) -> None:
        """What was unpacked stands where the live data stand in the live container."""
        backend = copied(inventory())["services"]["backend-api"]
        assert backend["volumes"] == [f"{COPY}/logs:/app/logs", f"{COPY}/data:/app/data"]
        assert backend["env_file"] == [f"{COPY}/.env"]

    def test_as_the_live_one(self) -> None:
        """The same command, directory and limits; the image is the backup's, which the host knows."""
        backend = copied(inventory(backend=BOTH))["services"]["backend-api"]
        told = {key: backend[key] for key in ("command", "working_dir", "mem_limit", "cpus", "image", "pull_policy")}
        assert told == {
            "command": ["serve"],
            "working_dir": "/app/logs",
            "mem_limit": "2G",
            "cpus": "1.5",
            "image": "[image]",
            "pull_policy": "never",
        }

    def test_database(self) -> None:
        """An empty server of the same image, with the password of the restored .env, which Compose puts in."""
        postgres = copied(inventory(postgres={"enabled": True}))["services"]["postgres"]
        assert postgres["image"] == "postgres:15"
        assert postgres["volumes"] == [f"{COPY}/postgres:/var/lib/postgresql/data"]
        assert postgres["environment"]["POSTGRES_PASSWORD"] == "${DB_PASSWORD}"
        assert not {"ports", "healthcheck", "restart"} & set(postgres)

    def test_found_again(self) -> None:
        """By a label that no other deployment has, whatever that is called."""
        backend = copied(inventory(name="other"))["services"]["backend-api"]
        assert backend["labels"] == {"deployer.drill": "other"}


class TestLast:
    def test_what_was_written(self) -> None:
        """The last whole line counts: one may have been cut off."""
        lines = "\n".join((json.dumps(asdict(FAILED)), json.dumps(asdict(PASSED)), '{"time": "2025'))
        assert last(lines) == PASSED

    @pytest.mark.parametrize(
        "lines",
        ["", "no json", "[]", '{"time": 1}', '{"time": "2025-10-12T04:00:00Z", "other": 1}', '{"time": "today"}', "3"],
    )
    def test_nothing(self, lines: str) -> None:
        """What is no evidence is none."""
        assert last(lines) is None

    def test_no_database(self) -> None:
        """Without one there are no rows."""
        found = last(json.dumps({**asdict(PASSED), "rows": None}))
        assert found
        assert found.rows == {}

    def test_told(self) -> None:
        """On one line."""
        assert PASSED.summary == "2025-10-12T04:00:00Z  passed: x_20251012_020000, 23 files, 3 rows, 2.5 s"
        assert FAILED.summary == "2025-10-12T04:00:00Z  FAILED: x_20251012_020000: it is damaged"

    def test_harmless_on_a_terminal(self) -> None:
        """The reason may hold a name from a backup."""
        nasty = Drill(FAILED.time, "", "failed", "a\x1b[2Jb")
        assert "\x1b" not in nasty.summary + nasty.warning(0)


class TestWrong:
    @pytest.mark.parametrize(("day", "overdue"), [("2025-10-12", False), ("2026-01-19", False), ("2026-01-22", True)])
    def test_overdue(self, day: str, overdue: bool) -> None:
        """After a quarter and some days."""
        now = int(datetime.fromisoformat(f"{day}T05:00:00").replace(tzinfo=UTC).timestamp())
        warning = PASSED.warning(now)
        assert warning == ("the last drill was 102 days ago; no backup was tested since" if overdue else "")

    def test_failed(self) -> None:
        """However long ago."""
        assert FAILED.warning(0) == "the last drill failed (x_20251012_020000): it is damaged"
