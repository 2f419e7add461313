"""The steps of a drill: a backup is verified, unpacked, its release is started on it, the application checks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.remote import output
from deployer.remote.backup import catalogue, restored_database, sizes
from deployer.remote.backup.parts import PARTS, Part
from deployer.remote.backup.reading import file_of
from deployer.remote.backup.verify import verify
from deployer.remote.docker import BACKEND, DATABASE
from deployer.remote.drill.copy import Copy, indented
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.masked import masked
from deployer.remote.masking import secrets_of
from deployer.remote.process import TimedOut
from deployer.remote.release import health
from deployer.remote.release.service import Service
from deployer.remote.restore.unpack import Unpacked
from deployer.remote.restore.untrusted import make_harmless
from deployer.remote.waiting import await_true

CHECK_SECONDS = 600.0
LONGEST_CHECK = 4000
"""Bytes of what the check prints that are kept."""
PER_DUMP, FOR_SERVER = 8, 80_000_000
"""Only the size of the dump is known: the space for the server and its database is estimated from it."""
SHOWN = 3


@dataclass
class Rehearsal:
    """One drill. `files`, `check` and `rows` are its evidence: what was unpacked, and what was seen of it."""

    host: Host
    copy: Copy
    backup: str = ""
    files: int = 0
    check: str = ""
    rows: Mapping[str, int] | None = None
    secrets: tuple[bytes, ...] = field(default_factory=tuple)

    @property
    def directory(self) -> Path:
        """The backup's."""
        return self.host.config.backups / self.backup

    def run(self, wanted: str) -> None:
        """Test a backup, by default the latest complete one. Raises Failure with the reason why it does not pass."""
        self.copy.begin()
        self._choose(wanted)
        if problem := verify(self.host, self.backup):
            raise Failure(problem)
        output.say(f"{self.backup} is intact")
        self._check_space()
        self._unpack()
        with output.hiding(self.secrets):
            self._describe()
            self._fill_database()
            self._check_application(self._start_application())

    def _choose(self, wanted: str) -> None:
        found = catalogue.catalogue(self.host.config)
        complete = [backup.id for backup in found if not backup.problem]
        self.backup = wanted or next(reversed(complete), "")
        if not self.backup:
            raise Failure(f"no complete backup in {self.host.config.backups}")
        for newer in (backup for backup in found if not wanted and backup.id > self.backup):
            output.say(f"skipping {newer.id}, which is incomplete: {newer.problem}")

    @property
    def _manifest(self) -> Mapping[str, object]:
        return catalogue.look_at(self.host.config.backups, self.backup).manifest

    def _check_space(self) -> None:
        dump = file_of(self.directory, "database")
        if not dump:
            return
        unpacked, free = self._manifest.get("unpacked"), sizes.free(self.copy.directory)
        if free < (unpacked if isinstance(unpacked, int) else 0) + dump.stat().st_size * PER_DUMP + FOR_SERVER:
            what = f"not enough disk space below {self.host.config.root} to restore the database into the copy"
            raise Failure(f"{what}: {sizes.megabytes(free)} are free")

    def _unpack(self) -> None:
        parts: tuple[Part, ...] = tuple(part for made in PARTS.values() if (part := made(self.host)).items)
        self.files = Unpacked(self.host, self.directory, self.copy.new).unpack(parts)
        make_harmless(self.host, parts, self.copy.new)
        self.secrets = secrets_of(self.copy.new / ".env", self.host.config.secret_words)
        output.say(f"unpacked {self.files} files into the copy, each as it was backed up")

    def _describe(self) -> None:
        release = self._manifest.get("release")
        tags = release.get("tags") if isinstance(release, dict) else None
        image = str(tags.get(BACKEND, "")) if isinstance(tags, dict) else ""
        if not image:
            raise Failure("the backup does not name the release that was running, so no image is known to start on it")
        if not self.host.docker("image", "inspect", "--format={{.Id}}", image).succeeded:
            raise Failure(
                f"the image {image} of the backup's release is not on this host any more: test a newer backup, "
                "or keep more releases (releases.retain)"
            )
        self.copy.describe(image)

    def _fill_database(self) -> None:
        """Restore the dump into an empty server of the copy, and compare the number of rows in each table."""
        dump, settings = file_of(self.directory, "database"), self.host.config.postgres
        if not dump:
            return
        if not settings.database:
            raise Failure("the backup holds a database, but postgres.enabled is false: the copy has no server for it")
        container = self.copy.start(DATABASE)
        self._await_server(container)
        restored_database.fill(self.host, dump, container, settings.database)
        self.rows = restored_database.rows(self.host, settings.database, container)
        summary = compared(self._manifest.get("rows"), self.rows)
        output.say(f"the database is restored: {summary}")

    def _await_server(self, container: str) -> None:
        settings = self.host.config.postgres
        ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", settings.user, "-d", settings.database)
        limit = self.host.config.release.healthy_within
        if not await_true(lambda: self.host.docker("exec", container, *ready).succeeded, limit):
            output.say(health.with_log(self.host, container, f"is not ready after {limit} s"))
            raise Failure("the copy's PostgreSQL does not start")

    def _start_application(self) -> str:
        container, wanted = self.copy.start(BACKEND), self.host.config.drill
        url = f"http://127.0.0.1:{wanted.port}{wanted.health_path}"
        service = Service(BACKEND, "", wanted.port, 1, True, "", url)
        try:
            health.await_healthy(self.host, container, service, inside=True)
        except Failure as failure:
            output.say(str(failure))
            raise Failure("the application does not become healthy on the restored data") from failure
        output.say("the application runs on the copy and is healthy")
        return container

    def _check_application(self, container: str) -> None:
        words = self.host.config.drill.check
        if not words:
            output.say("backup.check is not set: the application did not check its data")
            return
        try:
            result = self.host.docker("exec", container, *words, limit=CHECK_SECONDS)
        except TimedOut as failure:
            what = "the application's check (backup.check)"
            raise Failure(f"{what} did not end within {CHECK_SECONDS:.0f} s") from failure
        printed = masked(result.output + result.error, self.secrets)[-LONGEST_CHECK:]
        self.check = printed.decode(errors="replace").rstrip("\n")
        output.say(indented(self.check))
        if not result.succeeded:
            raise Failure(f"the application's check (backup.check) ended with exit code {result.exit_code}")
        if not health.keeps_running(self.host, container):
            raise Failure("the application ended during the check")


def compared(wanted: object, found: Mapping[str, int]) -> str:
    """How many rows there are. Raises Failure where a table has not as many as the manifest says."""
    if not isinstance(wanted, dict):
        raise Failure("the restored database differs from the backup: the manifest counts no rows")
    tables = sorted(wanted.keys() | found.keys())
    differing = [table for table in tables if wanted.get(table) != found.get(table)]
    if differing:
        texts = [f"{table} has {found.get(table, 'no')} rows, and had {wanted.get(table, 'no')}" for table in differing]
        more = f"; and {len(texts) - SHOWN} more tables" if len(texts) > SHOWN else ""
        raise Failure(f"the restored database differs from the backup: {'; '.join(texts[:SHOWN])}{more}")
    return f"{sum(found.values())} rows in {len(found)} tables, as many in each as there were"
