"""release.sh with real bash and a docker command of its own: what is recorded, restored, forgotten."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deployer.inventory.model import Inventory
from deployer.releases import log as releases
from deployer.releases.calls import ReleaseTarget, services
from deployer.releases.log import Release
from deployer.releases.scripts.release import release_functions
from deployer.site.compose import BACKEND, WALLET
from deployer.text.shell import lines, quote
from tests.support.fakes import IS_ROOT, bed, run_here
from tests.unit.remote.installed import install

from .docker import Docker

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SECRET = "it's-a-$ecret/with&all-of-it"
ENV = f"# managed\nAPI_SECRET_KEY={'k' * 40}\nDB_PASSWORD='{SECRET}'\nDOMAIN=new.example.com\nNEW=1\n"
FORMER = ("# managed", "API_SECRET_KEY=[secret]", "DB_PASSWORD=[secret]", "DOMAIN=old.example.com")


@dataclass(frozen=True)
class Kept:
    """A host's directories and images, on which the functions of a release are run."""

    host: Inventory
    docker: Docker

    @property
    def root(self) -> Path:
        return Path(self.host.root)

    @property
    def assets(self) -> Path:
        return self.root / "nginx" / "assets"

    def going(self, commit: str = COMMIT, **other: object) -> ReleaseTarget:
        """To a release of this commit; its images are there."""
        images = {service: f"{self.host.name}-{short}:{commit[:12]}-1" for service, short in SHORT.items()}
        for service, name in images.items():
            if name not in self.docker.images:
                self.docker.add(name, f"sha256:{service}-{commit[:4]}")
        return replace(ReleaseTarget(commit, "main", "c0ffee", images, FORMER, ()), **other)  # type: ignore[arg-type]

    def run(self, going: ReleaseTarget, *calls: str) -> "subprocess.CompletedProcess[str]":
        text = lines(release_functions(self.host, going, services(self.host, going.images)), *calls)
        return run_here(text, PATH=self.docker.path(os.environ["PATH"]))

    def record(self, going: ReleaseTarget) -> str:
        """Record a release as the step does; gives its id."""
        known = set(self.kept)
        ran = self.run(going, "keep_assets", "record")
        assert ran.returncode == 0, ran.stderr
        assert "could not be removed" not in ran.stdout
        (new,) = set(self.kept) - known
        return new

    @property
    def log(self) -> tuple[Release, ...]:
        return releases.parse((self.root / ".deployer" / "releases.jsonl").read_text())

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.root / ".deployer" / "releases").glob("*"))

    def directory(self, release: str) -> Path:
        return self.root / ".deployer" / "releases" / release

    def configure(self, text: str) -> None:
        """The same text into each file of the configuration."""
        for path in self.configuration:
            path.write_text(f"{path.name}: {text}\n")

    @property
    def configuration(self) -> tuple[Path, ...]:
        paths = self.host.paths
        return tuple(Path(path) for path in (paths.compose, paths.nginx_conf, paths.site_conf))

    @property
    def env(self) -> Path:
        return Path(self.host.paths.env)


SHORT = {BACKEND: "backend", WALLET: "wallet"}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with bed(tmp_path) as made:
        host = Kept(made.host, Docker.made(tmp_path / "docker"))
        for directory in ("nginx/conf.d", ".deployer/releases", "logs", "data"):
            (host.root / directory).mkdir(parents=True)
        host.configure("first")
        host.env.write_text(ENV)
        install(made.host)
        holder(host, "ada@laptop")
        host.docker.wallet({"index.html": "x"})
        yield host


def holder(host: Kept, who: str) -> None:
    """What session.sh writes for the one who holds the lock."""
    directory = Path(f"/run/deployer/{host.host.name}")
    directory.mkdir(parents=True, exist_ok=True)
    told = {"who": who, "command": 'update --ref "x"', "since": "now"}
    (directory / "holder").write_text(json.dumps(told) + "\n")


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def ascii_only(text: str) -> str:
    """What is left of a text that nobody has checked."""
    return "".join(letter for letter in text if letter.isascii() and letter not in '"\\\n')


class TestRecord:
    def test_line(self, kept: Kept) -> None:
        """One line that the tool reads: what, from where, by whom, of which images."""
        going = kept.going()
        release = kept.record(going)
        (told,) = kept.log
        assert told == Release(
            id=release,
            time=told.time,
            ref="main",
            commit=COMMIT,
            configuration="c0ffee",
            result="deployed",
            who="ada@laptop",
            why="",
            images={BACKEND: "sha256:backend-api-0123", WALLET: "sha256:demo-wallet-0123"},
            tags=dict(going.images),
        )
        assert release.endswith("-0123456")
        assert told.time[:10].replace("-", "") == release[:8]

    @pytest.mark.parametrize(
        "who",
        ["", "ada o'neil@desk", 'a"b\\c@x', "josé@büro", "a|b&c/d@x", "%s%n@x", "tab\there", "a\u2028b", "x" * 300],
    )
    def test_who(self, kept: Kept, who: str) -> None:
        """Whoever it was: the line can be read, and says so as far as one line can."""
        holder(kept, who)
        kept.record(kept.going())
        (told,) = kept.log
        assert told.who == who

    def test_nobody(self, kept: Kept) -> None:
        """Without a holder there is no name, and a line all the same."""
        Path(f"/run/deployer/{kept.host.name}/holder").unlink()
        kept.record(kept.going())
        assert [told.who for told in kept.log] == [""]

    @pytest.mark.parametrize("ref", ["feature/x#1", "v1.2+3", "a@b", "it's", 'q"uo\\te', "a\nb", "é", "%d", "$(id)"])
    def test_ref(self, kept: Kept, ref: str) -> None:
        """What the inventory takes comes back as it is; of anything else what is left is a line that can be read."""
        kept.record(kept.going(ref=ref))
        (told,) = kept.log
        assert told.ref == ascii_only(ref)

    @pytest.mark.parametrize(
        "why", ["the health gate failed", 'it\'s "so" \\ and\nso', "x" * 500, '", "result": "deployed']
    )
    def test_failure(self, kept: Kept, why: str) -> None:
        """One that failed has its line and its reason, and nothing of it is kept; what served before serves."""
        first = kept.record(kept.going())
        ran = kept.run(kept.going("f" * 40), f"record_failure {quote(why)}", "current_release")
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == f"{first}\n"
        former, failed = kept.log
        assert (failed.result, failed.commit) == ("failed", "f" * 40)
        assert failed.why == ascii_only(why)[:200]
        assert releases.current(kept.log) == former
        assert kept.kept == [first]

    def test_what_is_kept(self, kept: Kept) -> None:
        """The configuration as it lies there, .env's lines without a secret, the services."""
        going = kept.going()
        directory = kept.directory(kept.record(going))
        assert [(directory / path.name).read_text() for path in kept.configuration] == [
            f"{path.name}: first\n" for path in kept.configuration
        ]
        assert (directory / "environment").read_text().splitlines() == list(FORMER)
        assert (directory / "environment").stat().st_mode & 0o7777 == 0o600
        backend, wallet = (directory / "services").read_text().splitlines()
        assert backend.split(" ")[5] == going.images[BACKEND]
        assert wallet.split(" ")[5] == going.images[WALLET]
        everything = "".join(path.read_text() for path in directory.rglob("*") if path.is_file())
        assert SECRET not in everything

    def test_current_is_the_last_that_serves(self, kept: Kept) -> None:
        """Also after one that was restored."""
        first = kept.record(kept.going())
        second = kept.record(kept.going("f" * 40, keep=(first,)))
        assert kept.run(kept.going(), "current_release").stdout == f"{second}\n"
        assert kept.run(kept.going(), f"record_restored {first}", "current_release").stdout.endswith(f"{first}\n")
        assert [told.result for told in kept.log] == ["deployed", "deployed", "restored"]

    def test_no_log(self, kept: Kept) -> None:
        """Nothing serves before the first."""
        ran = kept.run(kept.going(), 'echo "<$(current_release)>"')
        assert ran.stdout == "<>\n"


class TestRestore:
    def test_configuration(self, kept: Kept) -> None:
        """Each file as it was; its images are the current ones again."""
        going = kept.going()
        release = kept.record(going)
        kept.configure("second")
        ran = kept.run(kept.going("f" * 40), f"restore {release}")
        assert ran.returncode == 0, ran.stderr
        assert [path.read_text() for path in kept.configuration] == [
            f"{path.name}: first\n" for path in kept.configuration
        ]
        for service, short in SHORT.items():
            assert kept.docker.images[f"{kept.host.name}-{short}:current"] == kept.docker.images[going.images[service]]
        assert not list(kept.root.rglob("*.deployer-new"))

    def test_same_configuration(self, kept: Kept) -> None:
        """A file that is as it was keeps its inode, and the proxy is not asked to read it again."""
        release = kept.record(kept.going())
        before = [path.stat().st_ino for path in kept.configuration]
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        assert [path.stat().st_ino for path in kept.configuration] == before
        assert not [asked for asked in kept.docker.asked if asked.startswith("ps")]

    def test_proxy_reads_its_configuration(self, kept: Kept) -> None:
        """Where one of its files changed."""
        release = kept.record(kept.going())
        Path(kept.host.paths.site_conf).write_text("second")
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        assert [asked for asked in kept.docker.asked if asked.startswith("ps")]

    def test_environment(self, kept: Kept) -> None:
        """Its variables come back, every secret stays as it stands now, and no secret is printed."""
        release = kept.record(kept.going())
        ran = kept.run(kept.going(), f"restore {release}")
        assert kept.env.read_text() == (
            f"# managed\nAPI_SECRET_KEY={'k' * 40}\nDB_PASSWORD='{SECRET}'\nDOMAIN=old.example.com\n"
        )
        assert kept.env.stat().st_mode & 0o7777 == 0o600
        assert SECRET not in ran.stdout + ran.stderr
        assert "k" * 40 not in ran.stdout + ran.stderr

    @pytest.mark.parametrize(
        "secret",
        [
            "SMTP_PASSWORD='a b'",
            "my_token=x#y",
            "DATABASE_URL=postgres://u:p@db/x?a=b",
            'API_KEY="with \\"quotes\\""',
            "B_SECRET_KEY=a=b=c",
        ],
    )
    def test_secret_that_came_later(self, kept: Kept, secret: str) -> None:
        """One that the release did not know is kept, byte for byte: it would be lost for ever."""
        release = kept.record(kept.going())
        kept.env.write_text(f"{ENV}{secret}\n")
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        assert f"\n{secret}\n" in kept.env.read_text()

    def test_address_of_the_database(self, kept: Kept) -> None:
        """The release's own, with the password of today: the role has no other one any more."""
        address = "DATABASE_URL=postgresql://app_user:{}@postgres:5432/it"
        former = ("# managed", "DB_PASSWORD=[secret]", address.format("[DB_PASSWORD]"), "DOMAIN=x")
        release = kept.record(kept.going(environment=former))
        kept.env.write_text(f"# managed\nDB_PASSWORD=of-today\n{address.format('another')}\n")
        ran = kept.run(kept.going(), f"restore {release}")
        assert kept.env.read_text() == f"# managed\nDB_PASSWORD=of-today\n{address.format('of-today')}\nDOMAIN=x\n"
        assert "of-today" not in ran.stdout + ran.stderr

    def test_secret_whose_name_does_not_say_so(self, kept: Kept) -> None:
        """It is kept, and still known for a secret: what masks and shows .env goes by that list."""
        release = kept.record(kept.going())
        kept.env.write_text(f"# managed\n# secrets: SENTRY_DSN OTHER\n{ENV}SENTRY_DSN='{SECRET}'\nOTHER=o\n")
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        text = kept.env.read_text()
        assert f"\nSENTRY_DSN='{SECRET}'\n" in text
        assert [line for line in text.splitlines() if line.startswith("# secrets:")] == ["# secrets: SENTRY_DSN OTHER"]

    def test_lists_of_secrets_are_joined(self, kept: Kept) -> None:
        """In one line, where their readers look for them: the release's names first, no name twice."""
        former = ("# managed", "# secrets: OLD SENTRY_DSN", "OLD=[secret]", "SENTRY_DSN=[secret]", "DOMAIN=x")
        release = kept.record(kept.going(environment=former))
        kept.env.write_text("# managed\n# secrets: SENTRY_DSN NEW\nOLD=o\nSENTRY_DSN=s\nNEW=n\n")
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        assert kept.env.read_text() == (
            "# managed\n# secrets: OLD SENTRY_DSN NEW\nOLD=o\nSENTRY_DSN=s\nDOMAIN=x\nNEW=n\n"
        )

    @pytest.mark.parametrize("release", ["", "20200101_000000-gone"])
    def test_not_kept(self, kept: Kept, release: str) -> None:
        """Where nothing is kept nothing is touched."""
        kept.configure("second")
        before = kept.env.read_text()
        assert kept.run(kept.going(), f"restore {quote(release)}").returncode == 0
        assert kept.env.read_text() == before
        assert kept.configuration[0].read_text().endswith("second\n")

    def test_image_is_gone(self, kept: Kept) -> None:
        """That is a failure: who goes back needs it."""
        release = kept.record(kept.going())
        going = kept.going()
        (kept.docker.directory / "images").write_text("")
        assert kept.run(going, f"restore {release}").returncode != 0

    def test_owners(self, kept: Kept) -> None:
        """logs and data belong to the user of that release's backend again."""
        release = kept.record(kept.going())
        (kept.root / ".deployer" / "backend.user").write_text("sha256:other 0:0\nsha256:backend-api-0123 65534:65534\n")
        assert kept.run(kept.going(), f"restore {release}").returncode == 0
        assert {(kept.root / name).stat().st_uid for name in ("logs", "data")} == {65534}


class TestPrune:
    def test_what_is_told_to_stay(self, kept: Kept) -> None:
        """The named ones and the new one, with their images; the others go, directories and images."""
        first = kept.record(kept.going("1" * 40))
        second = kept.record(kept.going("2" * 40, keep=(first,)))
        third = kept.record(kept.going("3" * 40, keep=(second,)))
        assert kept.kept == sorted([second, third])
        tags = {name.partition(":")[2][:2] for name in kept.docker.images}
        assert tags == {"22", "33"}

    def test_nothing_to_forget(self, kept: Kept) -> None:
        """Is the usual case, and no failure."""
        first = kept.record(kept.going("1" * 40))
        ran = kept.run(kept.going("2" * 40, keep=(first,)), "keep_assets", "record")
        assert ran.returncode == 0
        assert ran.stdout.splitlines()[-1].startswith("release ")
        assert [asked for asked in kept.docker.asked if asked.startswith("image prune")]

    def test_current_stays(self, kept: Kept) -> None:
        """Another name of an image that serves."""
        kept.docker.add(f"{kept.host.name}-backend:current", "sha256:x")
        kept.docker.add(f"{kept.host.name}-backend:old-1", "sha256:y")
        kept.record(kept.going())
        assert f"{kept.host.name}-backend:current" in kept.docker.images
        assert f"{kept.host.name}-backend:old-1" not in kept.docker.images

    def test_image_of_two_releases(self, kept: Kept) -> None:
        """Stays as long as one of them does: another configuration of the same commit."""
        going = kept.going("1" * 40)
        first = kept.record(going)
        (kept.directory(first)).rename(kept.directory("20200101_000000-1111111"))
        second = kept.record(replace(going, configuration="other"))
        assert kept.kept == [second]
        assert set(going.images.values()) <= set(kept.docker.images)

    def test_in_use(self, kept: Kept) -> None:
        """What Docker does not give is tried again next time; the release is recorded."""
        kept.record(kept.going("1" * 40))
        command = kept.docker.directory / "docker"
        command.write_text(command.read_text().replace('"rmi "*)', '"rmi "*) exit 1'))
        ran = kept.run(kept.going("2" * 40), "keep_assets", "record")
        assert ran.returncode == 0
        assert "older releases could not be removed; the next release tries again" in ran.stdout
        assert len(kept.log) == 2


def plant(site: Path) -> None:
    """What must not be published: links to the host's files and directories, a pipe, a device."""
    (site / "root").symlink_to("/")
    (site / "passwd-1a2b3c4d.js").symlink_to("/etc/passwd")
    os.mkfifo(site / "pipe-1a2b3c4d.js")
    os.mknod(site / "null-1a2b3c4d.js", 0o666 | stat.S_IFCHR, os.makedev(1, 3))


WALLET_FILES = {
    "index.html": "1",
    "sw.js": "1",
    "assets/index-BqX1z_9k.js": "1",
    "assets/index-BqX1z_9k.js.map": "1",
    "static/main.8f2a3b1c.css": "1",
    "static/report-20250101.css": "1",
    "a b/it's-1a2b3c4d.png": "1",
}
HASHED_FILES = ["a b/it's-1a2b3c4d.png", "assets/index-BqX1z_9k.js", "static/main.8f2a3b1c.css"]


class TestAssets:
    def test_hashed_names_only(self, kept: Kept) -> None:
        """What carries a hash of its content; no page, no worker, no source map, no date."""
        kept.docker.wallet(WALLET_FILES)
        ran = kept.run(kept.going(), "keep_assets")
        assert ran.returncode == 0, ran.stderr
        assert files(kept.assets) == HASHED_FILES

    def test_readable_by_the_proxy(self, kept: Kept) -> None:
        """Whatever their modes in the image are."""
        kept.docker.wallet(WALLET_FILES)
        site = kept.docker.directory / "wallet" / "usr" / "share" / "nginx" / "html"
        (site / "static" / "main.8f2a3b1c.css").chmod(0o600)
        (site / "assets").chmod(0o700)
        kept.run(kept.going(), "keep_assets")
        assert (kept.assets / "static" / "main.8f2a3b1c.css").stat().st_mode & 0o777 == 0o644
        assert (kept.assets / "assets").stat().st_mode & 0o777 == 0o755

    def test_regular_files_only(self, kept: Kept) -> None:
        """No link, device or pipe of an image is published, whatever it is named; no file keeps setuid."""
        kept.docker.wallet({"a-1a2b3c4d.js": "1"})
        site = kept.docker.directory / "wallet" / "usr" / "share" / "nginx" / "html"
        plant(site)
        (site / "a-1a2b3c4d.js").chmod(0o6755)
        ran = kept.run(kept.going(), "keep_assets")
        assert ran.returncode == 0, ran.stderr
        for directory in (kept.assets, kept.root / ".deployer" / "releases" / ".next" / "assets"):
            assert [path.name for path in directory.rglob("*")] == ["a-1a2b3c4d.js"]
            assert (directory / "a-1a2b3c4d.js").stat().st_mode & 0o7000 == 0

    def test_links_of_an_older_version(self, kept: Kept) -> None:
        """They go with the next release, from what is published and from what is kept; what they point to stays."""
        kept.docker.wallet({"a-1a2b3c4d.js": "1"})
        first = kept.record(kept.going())
        for directory in (kept.assets, kept.directory(first) / "assets"):
            plant(directory)
        kept.record(kept.going("2" * 40, keep=(first,)))
        for directory in (kept.assets, kept.directory(first) / "assets"):
            assert [path.name for path in directory.rglob("*")] == ["a-1a2b3c4d.js"]
        assert Path("/etc/passwd").exists()

    @pytest.mark.parametrize("wallet", [{"a-1a2b3c4d.js": "1"}, {}])
    def test_nothing_to_leave_out(self, kept: Kept, wallet: dict[str, str]) -> None:
        """A wallet of hashed names alone, or of none."""
        (kept.docker.directory / "wallet" / "usr" / "share" / "nginx" / "html" / "index.html").unlink()
        kept.docker.wallet(wallet)
        ran = kept.run(kept.going(), "keep_assets")
        assert ran.returncode == 0, ran.stderr
        assert files(kept.assets) == list(wallet)

    def test_name_with_a_line_end(self, kept: Kept) -> None:
        """A file of the wallet whose name holds the path of another one is not taken for that one."""
        victim = kept.root / "victim"
        victim.write_text("x")
        kept.docker.wallet({f"x\n{victim}": "1"})
        ran = kept.run(kept.going(), "keep_assets")
        assert ran.returncode == 0, ran.stderr
        assert victim.exists()

    def test_stay_as_long_as_their_release(self, kept: Kept) -> None:
        """Those of former releases are there for pages that were loaded before; they go with the last that is kept."""
        kept.docker.wallet({"a-1a2b3c4d.js": "1", "both-1a2b3c4d.js": "1"})
        first = kept.record(kept.going("1" * 40))
        self.other_wallet(kept, {"b-1a2b3c4d.js": "2", "both-1a2b3c4d.js": "1"})
        second = kept.record(kept.going("2" * 40, keep=(first,)))
        assert files(kept.assets) == ["a-1a2b3c4d.js", "b-1a2b3c4d.js", "both-1a2b3c4d.js"]
        self.other_wallet(kept, {"c-1a2b3c4d.js": "3"})
        kept.record(kept.going("3" * 40, keep=(second,)))
        assert files(kept.assets) == ["b-1a2b3c4d.js", "both-1a2b3c4d.js", "c-1a2b3c4d.js"]

    def test_left_by_one_that_was_broken_off(self, kept: Kept) -> None:
        """A release that was never recorded leaves nothing in the next one."""
        kept.docker.wallet({"a-1a2b3c4d.js": "1"})
        kept.run(kept.going("f" * 40), "keep_assets")
        self.other_wallet(kept, {"b-1a2b3c4d.js": "2"})
        release = kept.record(kept.going())
        assert files(kept.directory(release) / "assets") == ["b-1a2b3c4d.js"]
        assert files(kept.assets) == ["b-1a2b3c4d.js"]

    def test_failed_release(self, kept: Kept) -> None:
        """Its files are not kept with what is recorded next."""
        first = kept.record(kept.going())
        self.other_wallet(kept, {"b-1a2b3c4d.js": "2"})
        kept.run(kept.going("f" * 40), "keep_assets", "record_failure 'x'")
        assert kept.kept == [first]
        assert not (kept.root / ".deployer" / "releases" / ".next").exists()

    def other_wallet(self, kept: Kept, wallet: dict[str, str]) -> None:
        subprocess.run(["rm", "-rf", str(kept.docker.directory / "wallet")], check=True)
        kept.docker.wallet(wallet)


def test_checkout(kept: Kept) -> None:
    """The clone shows what serves; where it cannot the release is recorded all the same."""
    source = kept.root / "src"
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-C", str(source)]
    source.mkdir()
    subprocess.run([*git, "init", "--quiet", "--initial-branch", "main"], check=True)
    for name in ("one", "two"):
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", name], check=True)
    first = subprocess.run([*git, "rev-parse", "HEAD^"], check=True, capture_output=True, text=True).stdout.strip()
    kept.record(kept.going(first))
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert head == first
    ran = kept.run(kept.going("f" * 40), "keep_assets", "record")
    assert ran.returncode == 0
    assert "the clone could not check out" in ran.stdout
