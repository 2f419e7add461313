"""What Docker 26 reported of a provisioned host, and a Docker that reports it, with what a test changes."""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, cast

from deployer.inventory.model import Inventory
from deployer.remote.process import Result
from tests.support.fakes import inventory

RECORDED = Path(__file__).parents[1] / "site" / "docker-26.json"
SECRETS = {name: f"{name.lower()}-of-a-test-host-0123456789" for name in ("API_SECRET_KEY", "JWT_SECRET_KEY")}
Report = dict[str, Any]
Change = Callable[[Report], object]


def recorded() -> Report:
    return cast("Report", json.loads(RECORDED.read_text()))


def provisioned(root: Path | str = "/opt/biometric-did", **tables: dict[str, object]) -> Inventory:
    """The inventory of that host."""
    given: dict[str, object] = {"site": {"domain": "wallet.example.test"}, "tls": {"mode": "self-signed"}, **tables}
    host = inventory(None, Path("/nowhere"), **given)
    return host.model_copy(update={"root": PurePosixPath(root)})


def of_service(report: Report, service: str) -> Report:
    """The container of a service in a report."""
    label = "com.docker.compose.service"
    found = (item for item in report["containers"] if item["Config"]["Labels"][label] == service)
    return cast("Report", next(found))


def answers(report: Report) -> Callable[[tuple[str, ...]], Result | None]:
    """Docker's replies: the ids, the containers, the images."""
    images = report["images"]

    def answer(words: tuple[str, ...]) -> Result | None:
        if words[0] == "ps":
            return Result(0, "\n".join(item["Id"] for item in report["containers"]).encode())
        if words[0] == "inspect":
            return Result(0, json.dumps(report["containers"]).encode())
        found = [item for item in images if item["Id"] in words]
        return Result(int(len(found) < len(words) - 2), json.dumps(found).encode(), b"Error: No such image")

    return answer
