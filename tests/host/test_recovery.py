"""Disaster recovery: the host is lost, a backup is not; one command makes a bare server of it."""

import base64
import io
import json
import tarfile
from pathlib import Path

from tests.host.bed.bed import Bed
from tests.host.bed.origin import Repository
from tests.host.conftest import Boot
from tests.host.releasing import API, ROOT, visitor_of
from tests.host.tool import Deployment, deployment

POSTS = 20
KEPT = ("data", ".env", "nginx/ssl", "docker-compose.yml")
"""What has to be the same on the new host, byte for byte (logs are being written)."""


def digests(deployed: Deployment) -> str:
    """Every file with its content, owner, mode and time."""
    listing = f"cd {ROOT} && find {' '.join(KEPT)} -type f -printf '%p %U:%G %m %T@ ' -exec sha256sum '{{}}' \\; | sort"
    return deployed.host.exec(listing).stdout


def write_records(deployed: Deployment, directory: Path) -> None:
    visitor = visitor_of(deployed, directory)
    for number in range(POSTS):
        body = json.dumps({"key": f"key-{number}", "value": number}).encode()
        headers = {"Content-Type": "application/json"}
        assert visitor.ask(API, "/api/records", method="POST", body=body, headers=headers).status == 200


def test_from_a_directory_onto_a_bare_host(
    provisioned: Deployment, boot: Boot, bed: Bed, repository: Repository, tmp_path: Path
) -> None:
    """Sent, verified there, and put upon a deployment that is made first: the same data, keys, certificate, records."""
    write_records(provisioned, tmp_path)
    made = provisioned.ok("backup")
    before = digests(provisioned)
    kept = tmp_path / "kept"
    kept.mkdir()
    fetch(provisioned, kept)
    provisioned.host.destroy()
    other = deployment(tmp_path / "other", boot("bare"), bed, repository)
    done = other.ok("restore", "--from", str(next(kept.iterdir())), "--yes", limit=900)
    print(f"backup: {made.recap['seconds']} s; onto a bare host: {done.recap['seconds']} s")
    assert digests(other) == before
    visitor = visitor_of(other, tmp_path)
    assert json.loads(visitor.ask(API, "/api/records/check").body)["records"] == POSTS
    assert other.ok("provision", "--dry-run").recap["changed"] == 0
    again = other.json("restore", "--from", str(tmp_path), "--yes")
    assert (again.exit_code, "no backup's directory" in again.out) == (2, True)


def fetch(deployed: Deployment, directory: Path) -> None:
    """The newest backup, as an operator copies it."""
    packed = deployed.host.exec('cd /backups/biometric-did && tar -cf - "$(ls | tail -n 1)" | base64').stdout
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as archive:
        archive.extractall(directory, filter="data")
