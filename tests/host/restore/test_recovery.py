"""Disaster recovery: the host is lost, a backup is not; one command makes a bare server of it."""

import base64
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import Repository
from tests.host.conftest import Boot
from tests.support.releasing import API, ROOT, visitor_of
from tests.support.tool import Deployment, deployment

pytestmark = pytest.mark.in_turn

POSTS = 20
REPOSITORY = "/mnt/offsite"
KEPT = ("data", ".env", "nginx/ssl")
"""What has to be the same on the new host, byte for byte. Logs are being written; Compose's file is the inventory's."""


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


def test_onto_a_bare_host(
    provisioned: Deployment, boot: Boot, bed: Bed, repository: Repository, tmp_path: Path
) -> None:
    """From the off-site copies, and from a directory that was kept: the same data, keys, certificate and records."""
    offsite_too(provisioned)
    provisioned.ok("provision", "--no-verify")
    write_records(provisioned, tmp_path)
    made = provisioned.ok("backup")
    before = digests(provisioned)
    kept = tmp_path / "kept"
    kept.mkdir()
    carry(provisioned, "/backups/biometric-did", kept)
    carry(provisioned, REPOSITORY, kept)
    provisioned.host.exec("poweroff", check=False)
    other = deployment(tmp_path / "other", boot("bare"), bed, repository)
    offsite_too(other)
    lay(other, kept / "offsite", REPOSITORY)
    done = other.ok("restore", "--from", "offsite", "--yes", limit=900)
    print(f"backup: {made.recap['seconds']} s; from off-site onto a bare host: {done.recap['seconds']} s")
    whole(other, before, tmp_path)
    other.host.exec(f"docker rm -f $(docker ps -aq); rm -rf {ROOT} /backups/biometric-did/*")
    done = other.ok("restore", "--from", str(next((kept / "biometric-did").iterdir())), "--yes", limit=900)
    print(f"from a directory, where only Docker and its images were left: {done.recap['seconds']} s")
    whole(other, before, tmp_path)


def whole(deployed: Deployment, before: str, directory: Path) -> None:
    assert digests(deployed) == before
    visitor = visitor_of(deployed, directory)
    assert json.loads(visitor.ask(API, "/api/records/check").body)["records"] == POSTS
    left = deployed.ok("provision", "--dry-run")
    assert left.whys("would change") == []


def offsite_too(deployed: Deployment) -> None:
    """The same repository in the inventory, with its password."""
    toml = deployed.inventory / "web.toml"
    toml.write_text(toml.read_text() + f'[backup]\noffsite = "{REPOSITORY}"\n')
    secrets = deployed.inventory / "web.env"
    secrets.write_text("RESTIC_PASSWORD=a-password-that-is-kept-elsewhere\n")
    secrets.chmod(0o600)


def carry(deployed: Deployment, source: str, directory: Path) -> None:
    """A directory of the host, as an operator copies it."""
    packed = deployed.host.exec(f"tar -C $(dirname {source}) -cf - $(basename {source}) | base64").stdout
    words = ["tar", "-C", str(directory), "--no-same-owner", "-xf", "-"]
    subprocess.run(words, input=base64.b64decode(packed), check=True)


def lay(deployed: Deployment, directory: Path, target: str) -> None:
    """As a disk with the repository is mounted there."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(directory, ".")
    deployed.host.exec(f"mkdir -p {target} && tar -C {target} --no-same-owner -xf -", stdin=buffer.getvalue())
