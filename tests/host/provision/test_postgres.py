"""PostgreSQL beside the application: left alone by updates, mended, reached by nobody else; no password is seen."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.host import TestHost
from testbed.origin import publish
from tests.host.conftest import APPLICATION
from tests.support.releasing import API, ROOT, Updated, visitor_of
from tests.support.tool import booted, deployment
from tests.support.visitor import Seen
from tests.support.watching import watched

pytestmark = pytest.mark.in_turn

DATABASE = "biometric-did-postgres-1"
AGREE = f"database: set the password of the role app_user to the one in {ROOT}/.env"


@pytest.fixture(scope="module")
def stored(bed: Bed, half_way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    """A host that had packages and Docker, and got its site with a database from the beginning."""
    directory = tmp_path_factory.mktemp("stored")
    repository = publish(f"stored-{os.getpid()}", APPLICATION)
    with booted(bed, "stored", from_snapshot=half_way) as host:
        tables = {"postgres": "enabled = true", "releases": "settle = 0\ndrain = 5"}
        made = deployment(directory / "inventory", host, bed, repository, **tables)
        made.ok("provision")
        yield Updated(made, repository, visitor_of(made, directory))


def post(site: Updated, key: str) -> Seen:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return site.visitor.ask(API, "/api/records", method="POST", body=b'{"value": 1}', headers=headers)


def ask(site: Updated, sql: str) -> str:
    """What the server says, asked over its socket."""
    words = ("docker", "exec", DATABASE, "psql", "-U", "app_user", "-d", "biometric_did", "-Atc", sql)
    return site.deployment.host.exec(words).stdout.strip()


def consistent(site: Updated) -> int:
    """The number of records, which all stores have."""
    answer = site.visitor.ask(API, "/api/records/check")
    told = json.loads(answer.body)
    assert (answer.status, told["consistent"]) == (200, True), told
    assert told["records"] == told["in_database"] == int(ask(site, "select count(*) from records"))
    return int(told["records"])


def password(host: TestHost) -> str:
    return host.exec(f"sed -n 's/^DB_PASSWORD=//p' {ROOT}/.env").stdout.strip()


def container(host: TestHost) -> str:
    return host.exec(f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {DATABASE}").stdout


def test_a_record_is_in_files_and_database(stored: Updated) -> None:
    """The site works; a POST is found in the two files and, by psql, in the table."""
    assert post(stored, "first").status == 200
    host = stored.deployment.host
    assert "first" in host.exec(f"cat {ROOT}/data/records-b.jsonl").stdout
    assert ask(stored, "select key from records") == "first"
    assert consistent(stored) == 1
    env = host.exec(f"cat {ROOT}/.env").stdout
    assert f"DATABASE_URL=postgresql://app_user:{password(host)}@postgres:5432/biometric_did\n" in env
    assert {"DB_POOL_SIZE=20", "DB_MAX_OVERFLOW=40", "DB_POOL_PRE_PING=true"} < set(env.splitlines())
    assert host.exec(f"stat -c '%a %u' {ROOT}/postgres").stdout == "700 999\n"


def test_nothing_to_do(stored: Updated) -> None:
    """A second run changes nothing, in one round trip; neither does a dry run, or an update, find anything."""
    again = stored.deployment.ok("provision", "--no-verify")
    assert (again.recap["changed"], again.recap["round_trips"]) == (0, 1), again.whys("changed")
    assert stored.deployment.ok("provision", "--dry-run", "--no-verify").recap["changed"] == 0
    assert stored.deployment.ok("update", "--dry-run").recap["changed"] == 0


def test_reached_by_nobody_else(stored: Updated) -> None:
    """Not published, and not reached from outside."""
    host = stored.deployment.host
    assert host.exec(f"docker port {DATABASE}").stdout == ""
    assert host.exec("ss -Hltn 'sport = 5432'").stdout == ""
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection((host.address, 5432), timeout=3)


def test_status_and_logs(stored: Updated) -> None:
    """It is on the screen, healthy; its log is one of the logs."""
    status = stored.deployment.run("status")
    assert (status.exit_code, DATABASE in status.out) == (0, True)
    assert "ready to accept connections" in stored.deployment.run("logs", "postgres").out


def test_drift_of_the_password_is_mended_and_no_secret_is_seen(stored: Updated, tmp_path: Path) -> None:
    """The role is given the password of .env again; neither outputs nor arguments of any process hold it."""
    host = stored.deployment.host
    before, secret = container(host), password(host)
    ask(stored, "alter role app_user password 'another-one'")
    with watched(host, tmp_path / "seen", containers=True):
        foreseen = stored.deployment.ok("provision", "--dry-run", "--no-verify")
        assert foreseen.whys("would change") == [AGREE]
        ran = [stored.deployment.run(*words) for words in (("provision", "--diff", "-v"), ("provision", "-v"))]
        ran += [stored.deployment.run(*words) for words in (("status", "-v"), ("logs", "-v"), ("logs", "postgres"))]
    assert [outcome.exit_code for outcome in ran] == [0] * len(ran), ran
    assert "had another password than .env" in ran[0].out
    assert post(stored, "mended").status == 200
    assert container(host) == before
    seen = (tmp_path / "seen").read_text()
    assert "psql" in seen, "the watcher saw nothing of it"
    outputs = [outcome.out + outcome.err for outcome in (*ran, foreseen)]
    logged = host.exec(f"docker logs {DATABASE} 2>&1; journalctl --no-pager -o cat").stdout
    assert not any(secret in text for text in (*outputs, seen, logged))


def test_an_update_leaves_it_alone(stored: Updated) -> None:
    """A new release and the way back: the same container, started once; no record is lost."""
    host = stored.deployment.host
    before, number = container(host), consistent(stored)
    stored.commit("2")
    stored.update()
    assert stored.version == "2"
    assert post(stored, "after").status == 200
    stored.deployment.ok("rollback")
    assert stored.version == "1"
    assert container(host) == before
    assert consistent(stored) == number + 1
    assert stored.left_over == {}
    stored.deployment.ok("rollback", "--to", stored.repository.head[:10])


def test_another_password(stored: Updated) -> None:
    """One that the operator supplies: role, .env and backend get it, and the dry run said so."""
    file = stored.deployment.inventory / "web.env"
    file.touch(mode=0o600)
    file.write_text("DB_PASSWORD=the-operators.own~1\n")
    foreseen = stored.deployment.ok("provision", "--dry-run", "--no-verify").whys("would change")
    done = stored.deployment.ok("provision", "--no-verify").whys("changed")
    assert foreseen == done
    assert AGREE in done
    assert any("runs with another DATABASE_URL, DB_PASSWORD in its environment" in why for why in done)
    assert post(stored, "other password").status == 200
    file.unlink()
    assert stored.deployment.ok("provision", "--no-verify").recap["changed"] == 0


def test_away_and_back(stored: Updated) -> None:
    """While it does not run a POST is refused and the site lives; the next run starts it, with all its records."""
    host, number = stored.deployment.host, consistent(stored)
    host.exec(f"docker stop {DATABASE}")
    assert post(stored, "refused").status == 503
    assert stored.visitor.ask(API, "/health").status == 200
    assert f"{DATABASE} is exited" in stored.deployment.run("status").err
    assert stored.deployment.ok("provision", "--no-verify").whys("changed") == [
        "database: start PostgreSQL (postgres:15) and wait until it accepts the password in .env"
    ]
    assert consistent(stored) == number
    assert post(stored, "back").status == 200


def in_own_registry(host: TestHost, bed: Bed) -> str:
    """The name of the same image there; where official images come from elsewhere it is pushed first."""
    name = f"{bed.registry.name}/library/postgres:15"
    if not bed.registry.needed:
        host.exec(f"docker tag postgres:15 {name} && docker push --quiet {name} && docker rmi {name}", seconds=600)
    return name


def test_another_image(stored: Updated, bed: Bed) -> None:
    """Another major version is refused; another image of the same one replaces the container, and says that it does."""
    number = consistent(stored)
    with stored.deployment.edited("enabled = true", 'enabled = true\nimage = "postgres:16"'):
        refused = stored.deployment.json("provision", "--no-verify")
        assert refused.exit_code == 1
        assert f"{ROOT}/postgres holds data of PostgreSQL 15" in refused.out
        assert "pg_dump -U app_user biometric_did" in refused.out
    same = in_own_registry(stored.deployment.host, bed)
    with stored.deployment.edited("enabled = true", f'enabled = true\nimage = "{same}"'):
        done = stored.deployment.ok("provision", "--no-verify").whys("changed")
        assert f"database: pull {same}" in done
        assert any("with some seconds of downtime" in why for why in done)
        assert consistent(stored) == number
    stored.deployment.ok("provision", "--no-verify")


def test_switched_off(stored: Updated) -> None:
    """The application has it no more; container and data stay, and are told of; an update switches it on again."""
    host, before, secret = stored.deployment.host, container(stored.deployment.host), password(stored.deployment.host)
    number = consistent(stored)
    with stored.deployment.edited("enabled = true", "enabled = false"):
        done = stored.deployment.ok("provision", "--no-verify")
        assert "is running although postgres.enabled = false" in done.out
        assert "DATABASE_URL" not in host.exec(f"cat {ROOT}/.env").stdout
        assert "in_database" not in json.loads(stored.visitor.ask(API, "/api/records/check").body)
        assert stored.deployment.ok("provision", "--no-verify").recap["changed"] == 0
        assert container(host) == before
        host.exec(f"docker rm -f {DATABASE}")
    again = stored.update().whys("changed")
    assert "release: start PostgreSQL (postgres:15) and wait until it accepts the password in .env" in again
    assert password(host) == secret
    assert consistent(stored) == number
    assert stored.deployment.ok("provision", "--no-verify").recap["changed"] == 0
