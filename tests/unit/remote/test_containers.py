"""`containers`: what runs, as Docker reports it, and nothing of the values that it was started with."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from deployer.remote import containers
from deployer.remote.failure import Failure
from deployer.remote.survey.surveyed import Surveyed
from tests.unit.remote.daemon import Daemon
from tests.unit.remote.inspecting import SECRETS, Report, of_service, recorded


def printed(host: Surveyed) -> tuple[Report, dict[str, Report]]:
    """What they are compared with, and each container by its name."""
    first, *others = [json.loads(line) for line in containers.containers(host, []).splitlines()]
    return first, {item["Name"]: item for item in others}


@pytest.fixture
def host(surveyed: Surveyed) -> Surveyed:
    """Of which the questions are asked."""
    return surveyed


@pytest.fixture
def report(daemon: Daemon) -> Report:
    """A report of which a test may change parts before it asks."""
    made = recorded()
    daemon.has(made)
    return made


def test_none(host: Surveyed, daemon: Daemon) -> None:
    """The answer is empty, and nothing else is asked."""
    assert containers.containers(host, []) == ""
    assert daemon.asked == ["/version", "/v1.45/containers/json?all=1"]


def test_those_of_others(host: Surveyed, report: Report) -> None:
    """Containers of another project are left out."""
    of_service(report, "backend-api")["Config"]["Labels"]["com.docker.compose.project"] = "another"
    assert len(printed(host)[1]) == len(report["containers"]) - 1


def test_gone_meanwhile(host: Surveyed, report: Report, daemon: Daemon) -> None:
    """A container that is removed while it is asked for is left out."""
    del daemon.answers[f"/containers/{of_service(report, 'backend-api')['Id']}/json"]
    assert len(printed(host)[1]) == len(report["containers"]) - 1


def test_values_stay_on_the_host(host: Surveyed, report: Report) -> None:
    """Of no variable, and of no check of health, is the text printed; an ordinary value's digest is the plain one."""
    of_service(report, "backend-api")["State"]["Health"]["Log"] = [{"Output": "said-by-the-application"}]
    host.config.environment.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    text = containers.containers(host, [])
    for value in (*SECRETS.values(), "wallet.example.test", "said-by-the-application"):
        assert value not in text
    assert sha256(b"wallet.example.test").hexdigest() in text
    for value in SECRETS.values():
        assert sha256(value.encode()).hexdigest() not in text


def test_secrets_are_compared_within_one_answer(host: Surveyed, report: Report) -> None:
    """A container's is equal to that of .env, however .env has it; the next answer has other digests."""
    host.config.environment.write_text(f"API_SECRET_KEY='{SECRETS['API_SECRET_KEY']}'\nJWT_SECRET_KEY=another\n")
    first, found = printed(host)
    digests = found["/biometric-did-backend-api-2"]["Config"]["Env"]
    assert digests["API_SECRET_KEY"] == first["environment"]["API_SECRET_KEY"]
    assert digests["JWT_SECRET_KEY"] != first["environment"]["JWT_SECRET_KEY"]
    assert printed(host)[0]["environment"] != first["environment"]


@pytest.mark.parametrize("written", ['"a$HOME"', "a$HOME", '"a\\n"'])
def test_what_compose_would_expand(host: Surveyed, report: Report, written: str) -> None:
    """It is not compared, since it is not certain what became of it."""
    host.config.environment.write_text(f"API_SECRET_KEY={written}\n")
    assert printed(host)[0]["environment"] == {"API_SECRET_KEY": ""}


def test_secrets_that_are_listed(host: Surveyed, report: Report) -> None:
    """A name that says nothing is a secret where .env lists it; ordinary names are not shown at all."""
    host.config.environment.write_text("# secrets: SENTRY_DSN\nSENTRY_DSN=x\nDOMAIN=y\n")
    assert list(printed(host)[0]["environment"]) == ["SENTRY_DSN"]


def test_docker_does_not_answer(host: Surveyed) -> None:
    """A Failure, never an empty answer."""
    with pytest.raises(Failure, match="Cannot connect"):
        containers.containers(host, [])


def test_image_that_was_removed(host: Surveyed, report: Report, daemon: Daemon) -> None:
    """It is left out; the others are there."""
    gone = report["images"].pop()["Id"]
    del daemon.answers[f"/images/{gone}/json"]
    first, _ = printed(host)
    assert gone not in first["images"]
    assert len(first["images"]) == len(report["images"])


@pytest.mark.parametrize("text", ['{"proxies": {"default": {"httpProxy": "http://x"}}}', "{}", "[]", "{", ""])
def test_proxies(
    host: Surveyed,
    report: Report,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    """Docker's client gives them to each container where it is configured so; a damaged file counts as none."""
    monkeypatch.setattr(containers, "CLIENT", tmp_path / "config.json")
    (tmp_path / "config.json").write_text(text)
    assert bool(printed(host)[0]["injected"]) is ("httpProxy" in text)


def test_limits(host: Surveyed, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the kernel, with both versions of control groups."""
    monkeypatch.setattr(containers, "CONTROLLERS", tmp_path)
    (tmp_path / "memory").mkdir(exist_ok=True)
    assert printed(host)[0]["limits"] == ["memory"]
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io pids\n")
    assert printed(host)[0]["limits"] == ["cpu"]
