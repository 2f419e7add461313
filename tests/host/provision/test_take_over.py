"""A host that an older version of this tool has provisioned: one run takes it over, and no visitor notices."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import publish
from tests.host.conftest import APPLICATION, Boot
from tests.support.releasing import ROOT, visitor_of
from tests.support.restoring import BACKUPS, Kept
from tests.support.tool import deployment
from tests.support.traffic.running import traffic

pytestmark = pytest.mark.in_turn

OLDER = "cbadbff"
"""The last version whose programs on the host were bash."""
PROGRAMS = ("backup", "drill", "recover", "renew")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The code of that version, from the history of this repository."""
    directory = tmp_path / "older"
    directory.mkdir()
    archive = subprocess.run(["git", "archive", OLDER, "deployer"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-C", directory, "-xf", "-"], input=archive, check=True)
    return directory


def test_taken_over(older: Path, boot: Boot, bed: Bed, tmp_path: Path) -> None:
    """Under traffic; its backups are restored and tested; what cron runs is the host program, and no bash is left."""
    repository = publish(f"older-{os.getpid()}", APPLICATION)
    host = boot("older")
    made = deployment(tmp_path / "inventory", host, bed, repository, releases="settle = 1\ndrain = 15")
    former = replace(made, code=older)
    former.ok("provision", "--no-verify")
    site = Kept(made, repository, visitor_of(made, tmp_path))
    site.add()
    former.ok("backup")
    (backup,), wanted = host.exec(f"ls {BACKUPS}").stdout.split(), site.serving
    site.commit("2")
    former.ok("update")
    with traffic(site.visitor.address, site.visitor.trusted, tmp_path) as running:
        taken = made.ok("provision", "--no-verify")
    print(f"\n{len(taken.whys('changed'))} changes: {running.counts.summary()}")
    assert (running.counts.failures, set(running.counts.versions)) == (0, {"2"})
    nothing = made.ok("provision", "--no-verify")
    assert (nothing.recap["changed"], nothing.recap["round_trips"]) == (0, 1)
    programs = " ".join(f"{ROOT}/.deployer/bin/{name}" for name in PROGRAMS)
    assert host.exec(f"grep -L remote.pyz {programs} || true").stdout == ""
    assert made.ok("releases").events
    made.ok("drill")
    assert site.restore(backup).exit_code == 0
    assert site.serving == wanted
    made.ok("provision", "--no-verify")  # images that the older version built have another name here
    assert site.serving == wanted
    assert made.ok("provision", "--no-verify").whys("changed") == []
