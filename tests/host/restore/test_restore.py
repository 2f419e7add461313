"""Restores on a real host: byte for byte what was there at the backup, chosen, foreseen, and told."""

import json
from collections.abc import Iterator

import pytest

from testbed.bed import Bed
from tests.support.halting import Halt
from tests.support.releasing import ROOT
from tests.support.restoring import BACKUPS, BESIDE, NAME, Kept, Pair, files_foreseen, is_in_sync, pair, timestamp

pytestmark = pytest.mark.in_turn

AWKWARD = rf"""
set -e; cd {ROOT}/data; user=$(stat -c %u:%g .)
mkdir -p 'a directory' empty/inner shared; chmod 2770 shared; chown 1234:4321 shared
printf secret >'a directory/with  spaces'; chmod 0400 'a directory/with  spaces'
printf x >$'new\nline'; printf y >$'not \xff\xfe UTF-8'; printf z >'quote'"'"'s "and" \back'
printf run >program; chmod 4755 program; chown 33:0 program
ln -s /etc/hostname absolute; ln -s 'a directory/with  spaces' relative; ln -s nowhere/at/all dangling
printf linked >first; ln first 'a directory/second'
truncate -s 8M sparse; printf middle | dd of=sparse bs=1 seek=4000000 conv=notrunc status=none
python3 -c 'import os; os.setxattr("first", "user.note", b"a value"); os.setxattr("empty", "user.binary", b"\0\xff\0")'
printf old >../logs/api_server.log.1; chown "$user" first ../logs/api_server.log.1
touch -d '2001-02-03 04:05:06.123456789' first 'a directory' empty relative -h
touch -d '1999-01-01 UTC' ../logs/api_server.log.1
"""
LIVE = ("logs/api_server.log", "logs/audit.log", "logs")
"""The application writes them as soon as it is started."""


@pytest.fixture(scope="module")
def both(bed: Bed, tmp_path_factory: pytest.TempPathFactory, provisioned_snapshot: str) -> Iterator[Pair]:
    with pair(bed, tmp_path_factory.mktemp("restore"), provisioned_snapshot) as made:
        made.site.deployment.host.exec(AWKWARD)
        yield made


@pytest.fixture
def site(both: Pair) -> Iterator[Kept]:
    yield both.site
    Halt(both.site.deployment.host).forget()


# -- which one ---------------------------------------------------------------------------------------------------------


def test_the_newest_whole_one_is_meant(site: Kept, both: Pair) -> None:
    """Of several of a day; a newer one that is incomplete is skipped by name."""
    newest = list(both.states)[-1]
    day = timestamp(newest)[:8]
    broken = f"{NAME}_{day}_235959"
    site.deployment.host.exec(f"cp -a {BACKUPS}/{newest} {BACKUPS}/{broken}; rm {BACKUPS}/{broken}/SHA256SUMS")
    try:
        told = site.deployment.run("restore", "--ts", day, "--dry-run")
    finally:
        site.deployment.host.exec(f"rm -r {BACKUPS}/{broken}")
    assert told.exit_code == 0
    assert f"skipping {broken}, which is incomplete: SHA256SUMS is missing\nbackup {newest}, made " in told.out


def test_no_such_backup(site: Kept, both: Pair) -> None:
    """Exit 2, with those that there are."""
    told = site.deployment.run("restore", "--ts", "19991231", "--yes")
    assert told.exit_code == 2
    assert [backup for backup in both.states if backup not in told.err] == []


def test_nobody_agrees(site: Kept) -> None:
    """Without a terminal and without --yes nothing happens."""
    before = site.serving
    told = site.deployment.run("restore")
    assert (told.exit_code, "with --yes to restore" in told.err) == (2, True), told
    assert (site.serving, site.formers) == (before, [])


# -- what is restored --------------------------------------------------------------------------------------------------


def wipe_data(site: Kept) -> None:
    site.deployment.host.exec(f"find {ROOT}/data -mindepth 1 -delete")


def remove_containers(site: Kept) -> None:
    site.deployment.host.exec("docker rm -f $(docker ps -aq)")


def wipe_root(site: Kept) -> None:
    site.deployment.host.exec(f"rm -rf {ROOT}")


@pytest.mark.parametrize("destroy", [wipe_data, remove_containers, wipe_root])
def test_byte_for_byte(destroy: "object", site: Kept, both: Pair) -> None:
    """What was there at the backup is there again, to the last attribute, and the records are those of then."""
    site.add()
    backup, wanted = site.backup(), site.serving
    site.add(5)
    assert callable(destroy)
    destroy(site)
    done = site.restore(backup)
    assert done.exit_code == 0, done.out[-3000:]
    assert site.serving == wanted
    assert site.tree("data") == site.listed(backup, "data")
    assert without_live(site.tree("logs")) == without_live(site.listed(backup, "logs"))
    assert site.tree("nginx/ssl", ".env") == site.listed(backup, "nginx/ssl", ".env")
    host = site.deployment.host
    assert host.exec(f"cd {ROOT}/data; stat -c %h first; [ $(stat -c %b sparse) -lt 2000 ] && echo sparse").stdout == (
        "2\nsparse\n"
    )
    is_in_sync(site)
    both.states[backup] = wanted
    again = site.restore(next(iter(both.states)))
    assert again.exit_code == 0
    assert site.serving == next(iter(both.states.values()))
    site.restore(backup)


def without_live(tree: str) -> list[str]:
    return [line for line in tree.splitlines() if json.loads(line)["path"] not in LIVE]


@pytest.mark.parametrize(
    ("only", "names"), [("data", ("data", "logs")), ("config", (".env",)), ("ssl", ("nginx/ssl",))]
)
def test_only_a_part(only: str, names: tuple[str, ...], site: Kept, both: Pair) -> None:
    """The part becomes what it was; all else stays as it is."""
    host = site.deployment.host
    backup = site.backup()
    site.add(2)
    host.exec(f"echo '# later' >>{ROOT}/.env; touch {ROOT}/nginx/ssl/later {ROOT}/data/later")
    rest = [name for name in (".env", "nginx/ssl", "data") if name not in names]
    before, formers = site.tree(*rest), site.formers
    done = site.restore(backup, "--only", only)
    assert done.exit_code == 0, done.out[-3000:]
    assert without_live(site.tree(*names)) == without_live(site.listed(backup, *names))
    assert site.tree(*rest) == before
    assert len(site.formers) == len(formers) + 1
    host.exec(f"sed -i '/^# later$/d' {ROOT}/.env; rm -f {ROOT}/nginx/ssl/later {ROOT}/data/later")
    is_in_sync(site)


def test_what_a_dry_run_says_is_what_happens(site: Kept) -> None:
    """Each file by name, nothing written, and the same files differ afterwards."""
    host = site.deployment.host
    backup = site.backup()
    host.exec(f"cd {ROOT}/data; rm -r shared; echo more >>first; touch appeared $'other\\nline'")
    before = site.tree("data", ".env", ".deployer/releases.jsonl", "nginx/ssl")
    told = site.deployment.json("restore", "--ts", timestamp(backup), "--dry-run", "--detailed-exitcode")
    assert told.exit_code == 10
    assert site.tree("data", ".env", ".deployer/releases.jsonl", "nginx/ssl") == before
    assert host.exec(f"ls -d {BESIDE} 2>/dev/null || true").stdout == ""
    foreseen = {(str(event["what"]), str(event["path"])) for event in files_foreseen(told) if is_data(event["path"])}
    assert ("appears", "data/shared") in foreseen
    assert {("disappears", "data/appeared"), ("disappears", "data/other\nline"), ("changes", "data/first")} <= foreseen
    assert site.restore(backup).exit_code == 0
    assert differing(before, site.tree("data")) == foreseen


def is_data(path: object) -> bool:
    return str(path) == "data" or str(path).startswith("data/")


def differing(before: str, after: str) -> set[tuple[str, str]]:
    old, new = ({json.loads(line)["path"]: line for line in tree.splitlines()} for tree in (before, after))
    old = {path: line for path, line in old.items() if is_data(path)}
    found = {("appears", path) for path in new.keys() - old.keys()} | {
        ("disappears", p) for p in old.keys() - new.keys()
    }
    return found | {("changes", path) for path in old.keys() & new.keys() if old[path] != new[path]}
