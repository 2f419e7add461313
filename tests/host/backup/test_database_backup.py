"""The database in a backup: of the same instant as the files, restored with them or alone, onto a lost host too."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import publish
from tests.host.conftest import APPLICATION
from tests.support.releasing import API, ROOT, Updated, visitor_of
from tests.support.tool import booted, deployment

pytestmark = pytest.mark.in_turn

DATABASE = "biometric-did-postgres-1"
TABLES = {"postgres": "enabled = true", "releases": "settle = 0\ndrain = 5"}


@pytest.fixture(scope="module")
def stored(bed: Bed, half_way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    """A host with a database, and records in all three stores."""
    directory = tmp_path_factory.mktemp("stored")
    repository = publish(f"dumped-{os.getpid()}", APPLICATION)
    with booted(bed, "dumped", from_snapshot=half_way) as host:
        made = deployment(directory / "inventory", host, bed, repository, **TABLES)
        made.ok("provision")
        yield Updated(made, repository, visitor_of(made, directory))


def post(site: Updated, count: int) -> None:
    headers = {"Content-Type": "application/json"}
    for number in range(count):
        body = json.dumps({"key": f"{number}", "value": number}).encode()
        assert site.visitor.ask(API, "/api/records", method="POST", body=body, headers=headers).status == 200


def records(site: Updated) -> int:
    """How many there are; all three stores have to agree."""
    told = json.loads(site.visitor.ask(API, "/api/records/check").body)
    assert told["consistent"], told
    assert told["records"] == told["in_database"], told
    return int(told["records"])


def rows(site: Updated) -> str:
    words = ("docker", "exec", DATABASE, "psql", "-U", "app_user", "-d", "biometric_did", "-Atc")
    return site.deployment.host.exec((*words, "select * from records order by id")).stdout


def backed_up(site: Updated, count: int) -> str:
    """The id of a backup made after so many further records."""
    post(site, count)
    site.deployment.ok("backup")
    (*_, newest) = [event for event in site.deployment.ok("backups").events if event["event"] == "backup"]
    return str(newest["id"])


def drop_database(site: Updated) -> None:
    sql = 'drop database \\"biometric_did\\" with (force)'
    site.deployment.host.exec(f'docker exec {DATABASE} psql -U app_user -d postgres -c "{sql}"')


def test_dropped_and_restored(stored: Updated) -> None:
    """What was written after the backup is gone, in the files and in the database; what was before is all there."""
    made = backed_up(stored, 10)
    before, wanted = records(stored), rows(stored)
    post(stored, 5)
    drop_database(stored)
    done = stored.deployment.ok("restore", "--yes")
    assert next(event["id"] for event in done.events if event["event"] == "chosen") == made
    assert (records(stored), rows(stored)) == (before, wanted)
    post(stored, 1)
    assert records(stored) == before + 1
    assert stored.deployment.ok("provision").recap["changed"] == 0


def test_a_torn_restore_is_seen(stored: Updated) -> None:
    """Files without their database do not agree: the check of all these tests can fail; the former state is kept."""
    backed_up(stored, 3)
    before = records(stored)
    post(stored, 3)
    stored.deployment.ok("restore", "--yes", "--only", "data")
    torn = stored.visitor.ask(API, "/api/records/check")
    assert torn.status == 409, torn.body
    stored.deployment.ok("restore", "--yes", "--only", "database")
    assert records(stored) == before
    databases = stored.deployment.host.exec(f"docker exec {DATABASE} psql -U app_user -d postgres -Atc '\\l'").stdout
    assert "biometric_did_former" in databases
    stored.deployment.ok("backup")
    databases = stored.deployment.host.exec(f"docker exec {DATABASE} psql -U app_user -d postgres -Atc '\\l'").stdout
    assert "biometric_did_former" not in databases


def test_an_older_password_comes_back(stored: Updated) -> None:
    """.env of the backup holds another password of the role: the role is given it, and the application gets in."""
    host = stored.deployment.host
    backed_up(stored, 1)
    before = records(stored)
    secret = host.exec(f"sed -n 's/^DB_PASSWORD=//p' {ROOT}/.env").stdout.strip()
    host.exec(f"sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=another-password-of-the-role-0123456789/' {ROOT}/.env")
    stored.deployment.ok("provision")
    stored.deployment.ok("restore", "--yes")
    assert host.exec(f"sed -n 's/^DB_PASSWORD=//p' {ROOT}/.env").stdout.strip() == secret
    post(stored, 1)
    assert records(stored) == before + 1


def test_onto_a_bare_host(stored: Updated, bed: Bed, tmp_path: Path) -> None:
    """Everything of the host is gone but its backups: the root, the containers, the database's own directory."""
    backed_up(stored, 4)
    before, wanted = records(stored), rows(stored)
    stored.deployment.host.exec(f"docker rm -f $(docker ps -aq); rm -rf {ROOT}")
    done = stored.deployment.ok("restore", "--yes")
    print(f"from nothing but its backups: {done.recap['seconds']} s")
    stored = Updated(stored.deployment, stored.repository, visitor_of(stored.deployment, tmp_path))
    assert (records(stored), rows(stored)) == (before, wanted)
    assert stored.deployment.ok("provision").recap["changed"] == 0
