"""A site with two backups, of another release and other records each: one of their states serves, or a mixture."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from testbed.bed import Bed
from testbed.origin import publish
from tests.host.conftest import APPLICATION
from tests.support import tree
from tests.support.interrupting import LOCK
from tests.support.releasing import API, ROOT, Updated, visitor_of
from tests.support.tool import Event, Outcome, booted, deployment

BACKUPS = "/backups/biometric-did"
NAME = "biometric-did"
FORMER = f"{ROOT}/.deployer/former"
BESIDE = f"{ROOT}/.deployer/restoring"
JOURNAL = f"{BESIDE}/journal"
UNIT = "deployer-biometric-did-restore.service"
SETTINGS = "healthy_within = 20\nsettle = 1\ndrain = 5"


@dataclass(frozen=True)
class Serving:
    """What answers: the release, how many records it has, and the digest of both their files."""

    version: str
    records: int
    digest: str


@dataclass(frozen=True)
class Kept(Updated):
    """A site whose backups are restored."""

    def add(self, number: int = 3) -> None:
        """Write records through the API."""
        for _ in range(number):
            key = os.urandom(8).hex()
            body = json.dumps({"key": key, "value": "x" * 100}).encode()
            seen = self.visitor.ask(API, "/api/records", method="POST", body=body, headers={"Idempotency-Key": key})
            assert seen.status == 200, seen

    @property
    def serving(self) -> Serving:
        """Asked of the API; its two files have to agree."""
        check = json.loads(self.visitor.ask(API, "/api/records/check").body)
        count = json.loads(self.visitor.ask(API, "/api/records/count").body)["count"]
        assert (check["consistent"], check["records"]) == (True, count), check
        return Serving(self.version, count, digest_in(self, f"{ROOT}/data"))

    def backup(self) -> str:
        """Make one; gives its id."""
        self.deployment.ok("backup")
        return self.backups[-1]

    @property
    def backups(self) -> list[str]:
        return [str(event["id"]) for event in self.deployment.ok("backups").events if event["event"] == "backup"]

    def restore(self, backup: str, *words: str) -> Outcome:
        return self.deployment.json("restore", "--ts", timestamp(backup), "--yes", *words)

    def tree(self, *names: str, base: str = ROOT) -> str:
        """The files below, as tree.py lists them."""
        text = Path(tree.__file__).read_bytes()
        return self.deployment.host.exec(("python3", "-", base, *names), stdin=text).stdout

    def listed(self, backup: str, *names: str) -> str:
        """The same of a backup: its own list."""
        told = self.deployment.host.exec(f"zstd -dc {BACKUPS}/{backup}/{backup}_files.jsonl.zst").stdout
        lines = [line for line in told.splitlines() if below(json.loads(line)["path"], names)]
        return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: str(json.loads(line)["path"])))

    @property
    def formers(self) -> list[str]:
        """The states that restores have replaced."""
        return self.deployment.host.exec(f"ls {FORMER} 2>/dev/null || true").stdout.split()

    def await_end(self) -> None:
        """Until whatever goes on alone is through: it holds the lock so long."""
        self.deployment.host.exec(
            f"timeout 240 bash -c 'until flock -n {LOCK} true; do sleep 0.1; done'; "
            f"timeout 240 bash -c 'while systemctl is-active -q {UNIT}; do sleep 0.1; done'",
            seconds=500,
        )

    @property
    def remains(self) -> dict[str, str]:
        """What must not be left over."""
        beside = self.deployment.host.exec(f"ls -d {BESIDE} {ROOT}/nginx/maintenance 2>/dev/null || true").stdout
        return {**self.left_over, **({"beside": beside} if beside else {})}


def digest_in(site: Updated, directory: str) -> str:
    return site.deployment.host.exec(f"cat {directory}/records-?.jsonl | sha256sum").stdout.split()[0]


def below(path: str, names: tuple[str, ...]) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in names)


def timestamp(backup: str) -> str:
    return backup.removeprefix(f"{NAME}_")


@dataclass(frozen=True)
class Pair:
    """A site and the states of its two backups, by their ids."""

    site: Kept
    states: dict[str, Serving]

    @property
    def other(self) -> str:
        """The backup of the release that does not serve."""
        now = self.site.version
        return next(backup for backup, state in self.states.items() if state.version != now)


@contextmanager
def kept(bed: Bed, directory: Path, snapshot: str, **tables: str) -> Iterator[Kept]:
    """A provisioned host with a repository of its own."""
    repository = publish(f"restores-{os.getpid()}-{directory.name}", APPLICATION)
    with booted(bed, "restored", from_snapshot=snapshot) as host:
        made = deployment(directory / "inventory", host, bed, repository, releases=SETTINGS, **tables)
        made.ok("provision", "--no-verify")
        yield Kept(made, repository, visitor_of(made, directory))


@contextmanager
def pair(bed: Bed, directory: Path, snapshot: str) -> Iterator[Pair]:
    """Backups of the releases 1 and 2; 2 serves."""
    with kept(bed, directory, snapshot) as site:
        states = {}
        for version in ("1", "2"):
            if version != "1":
                site.commit(version)
                site.update()
            site.add()
            states[site.backup()] = site.serving
        yield Pair(site, states)


def found_again(site: Kept) -> Kept:
    """The same, wherever it is now: a boot may have given it another address."""
    host, file = site.deployment.host, site.deployment.inventory / "web.toml"
    file.write_text(re.sub(r'address = "[^"]*"', f'address = "{host.address}"', file.read_text(), count=1))
    file.with_name("known_hosts").write_text(host.known_hosts_line)
    return replace(site, visitor=visitor_of(site.deployment, file.parent))


def is_in_sync(site: Kept) -> None:
    """Nothing to do for the plan of the whole guide, and nothing left over."""
    told = site.deployment.json("provision", "--dry-run", "--detailed-exitcode")
    assert (told.exit_code, told.whys("would change")) == (0, [])
    assert site.remains == {}, site.remains


def files_foreseen(outcome: Outcome) -> list[Event]:
    return [event for event in outcome.events if event["event"] == "file"]
