"""Backups that are damaged, broken or made by somebody else: refused untouched, or gone back from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.bed import Bed
from tests.support.doctoring import UNSAFE
from tests.support.halting import REACHED, Halt
from tests.support.interrupting import await_point
from tests.support.releasing import ROOT
from tests.support.restoring import BACKUPS, NAME, Kept, Pair, Serving, pair, timestamp
from tests.support.small_disk import small_root

pytestmark = pytest.mark.in_turn

DOCTORED = f"{NAME}_20991231_000000"
PARTS = ("volumes.tar.zst", "config.tar.zst", "ssl.tar.zst", "files.jsonl.zst")


@pytest.fixture(scope="module")
def both(bed: Bed, tmp_path_factory: pytest.TempPathFactory, provisioned_snapshot: str) -> Iterator[Pair]:
    with pair(bed, tmp_path_factory.mktemp("damaged"), provisioned_snapshot) as made:
        yield made


@pytest.fixture
def site(both: Pair) -> Iterator[Kept]:
    """What is made of a copy of a backup is gone after each case."""
    both.site.add()
    yield both.site
    both.site.deployment.host.exec(f"rm -rf {BACKUPS}/{DOCTORED}")


def copy(site: Kept, backup: str) -> str:
    """The directory of a copy that a test may damage: its parts have its own name."""
    place = f"{BACKUPS}/{DOCTORED}"
    doctor(site, backup, "# nothing")
    return place


def doctor(site: Kept, backup: str, what: str) -> None:
    text = Path("tests/support/doctoring.py").read_bytes()
    site.deployment.host.exec(("python3", "-", BACKUPS, backup, DOCTORED, what), stdin=text)


def untouched(site: Kept) -> tuple[Serving, str, str]:
    """What serves, in which containers, and what lies in the root directory."""
    host = site.deployment.host
    names = f"find {ROOT} -path {ROOT}/logs -prune -o -path {ROOT}/nginx/logs -prune -o -printf '%p %T@ %s\\n' | sort"
    kept = host.exec(f"{names} | grep -v audit.jsonl").stdout
    return site.serving, host.exec("docker ps -aq --no-trunc").stdout, kept


FLIP = (
    "import sys; path, where = sys.argv[1], int(sys.argv[2]); data = bytearray(open(path, 'rb').read()); "
    "data[where if where >= 0 else len(data) // 2] ^= 1; open(path, 'wb').write(data)"
)
DAMAGED: dict[str, tuple[str, int, str]] = {
    **{f"a byte of {part}": (f'python3 -c "{FLIP}" *_{part} -1', 1, "is not what was written") for part in PARTS},
    "a digit in the manifest": ('sed -i \'s/"files": /"files": 9/\' manifest.json', 1, "manifest.json"),
    "no JSON in the manifest": (f'python3 -c "{FLIP}" manifest.json 0', 2, "its manifest cannot be read"),
    "a digit of a sum": ("sed -i '1s/^./x/; 1s/^x/0/; 2s/^\\(.\\)\\(.\\)/\\2\\1/' SHA256SUMS", 1, "is damaged"),
    "a sum that is none": ("sed -i '1s/^./x/' SHA256SUMS", 2, "SHA256SUMS does not name"),
    "a part cut short": ("truncate -s -1 *_volumes.tar.zst", 2, "bytes instead of"),
    "a part that is gone": ("rm *_ssl.tar.zst", 2, "is missing"),
    "sums that are gone": ("rm SHA256SUMS", 2, "SHA256SUMS is missing"),
}


@pytest.mark.full
@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(name: str, both: Pair, site: Kept) -> None:
    """It is refused, with the file that is not what it was; nothing is touched."""
    command, code, said = DAMAGED[name]
    site.deployment.host.exec(f"cd {copy(site, both.other)} && {command}")
    before = untouched(site)
    refused = site.restore(DOCTORED)
    assert (refused.exit_code, said in refused.out + refused.err) == (code, True), refused
    assert untouched(site) == before


@pytest.mark.full
@pytest.mark.parametrize("name", UNSAFE)
def test_made_by_somebody_else(name: str, both: Pair, site: Kept) -> None:
    """Its sums are right, but unpacking it could reach elsewhere: refused before anything is touched."""
    doctor(site, both.other, name)
    before = untouched(site)
    refused = site.restore(DOCTORED)
    assert (refused.exit_code, "not a valid archive" in refused.out + refused.err) == (1, True), refused
    assert untouched(site) == before
    site.deployment.host.exec("! ls -d /evil /opt/evil /etc/cron.d/evil 2>/dev/null")


def test_a_foreign_file_does_no_harm(both: Pair, site: Kept) -> None:
    """Something else in the directory of a backup is not looked at, and stays."""
    wanted = both.other
    site.deployment.host.exec(f"mkdir {BACKUPS}/{wanted}/notes; echo mine >{BACKUPS}/{wanted}/notes/x")
    assert site.restore(wanted).exit_code == 0
    assert site.serving == both.states[wanted]
    assert site.deployment.host.exec(f"cat {BACKUPS}/{wanted}/notes/x").stdout == "mine\n"


def test_a_release_that_does_not_get_healthy(both: Pair, site: Kept) -> None:
    """It is swapped in, found wanting, and the former state serves again with its records: exit 4."""
    doctor(site, both.other, "FIXTURE_BREAK=never_healthy")
    before = site.serving
    refused = site.restore(DOCTORED)
    assert (refused.exit_code, "is not healthy after 20 s" in refused.out) == (4, True), refused
    assert site.serving == before
    assert site.remains == {}
    site.deployment.ok("provision", "--no-verify")
    assert site.serving == before


def test_a_disk_that_runs_full(both: Pair, site: Kept) -> None:
    """Room enough at first, but a log grows meanwhile: nothing is swapped, what was unpacked goes, the site serves."""
    host, wanted = site.deployment.host, both.other
    with small_root(host):
        before = site.serving
        halt = Halt(host)
        halt.at("^tar -C .*restoring/new")
        run = site.deployment.start("restore", "--ts", timestamp(wanted), "--yes")
        await_point(site.deployment, run, REACHED)
        host.exec(f"fallocate -l $(df --output=avail -B1 {ROOT} | tail -n 1) {ROOT}/grown || true")
        halt.go()
        out, err = run.communicate(timeout=120)
        assert (run.returncode, "o space left" in out + err) == (1, True), out + err
        halt.forget()
        host.exec(f"rm {ROOT}/grown")
        assert site.serving == before
        assert site.remains == {}
        refused_beforehand(site, wanted)
        assert site.restore(wanted).exit_code == 0
        assert site.serving == both.states[wanted]


def refused_beforehand(site: Kept, backup: str) -> None:
    """Where there is no room from the start nothing is unpacked at all."""
    host = site.deployment.host
    host.exec(f"fallocate -l $(($(df --output=avail -B1 {ROOT} | tail -n 1) - 8000000)) {ROOT}/grown")
    refused = site.restore(backup)
    assert (refused.exit_code, "not enough disk space below" in refused.out) == (1, True), refused
    host.exec(f"rm {ROOT}/grown")
