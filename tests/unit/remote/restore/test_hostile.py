"""A backup that was made elsewhere: whatever it holds, it is data, and nothing of it is run, followed or believed."""

import io
import json
import stat
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployer.remote.backup import existing, make, tar
from deployer.remote.failure import Failure
from deployer.remote.release import kept
from deployer.remote.restore import receive, recover
from deployer.remote.restore.untrusted import make_harmless

from .conftest import Restoring
from .test_swap import mounted

EVIL = "services: {evil: {privileged: true, volumes: ['/:/host']}}\n"
RENEWAL = """version = 2.1.0
archive_dir = /etc/cron.d
cert = /etc/passwd
[renewalparams]
account = 0123456789abcdef0123456789abcdef
pre_hook = touch /root/canary
renew_hook = touch /root/canary
authenticator = manual
manual_auth_hook = touch /root/canary
key_type = ecdsa
"""


def harmless(restoring: Restoring) -> Path:
    """What was unpacked, after that."""
    directory = restoring.journal.new
    make_harmless(restoring.host, restoring.wanted().parts(restoring.host), directory)
    return directory


class TestIsNotRun:
    def test_compose_file(self, restoring: Restoring) -> None:
        """The one of the backup is not put in place, nor by a rollback to a release that came with it."""
        own = restoring.root / "docker-compose.yml"
        own.write_text("ours")
        restoring.unpack()
        new = restoring.journal.new
        (new / "docker-compose.yml").write_text(EVIL)
        (new / ".deployer/releases/first/docker-compose.yml").write_text(EVIL)
        (new / ".deployer/releases/first/nginx.conf").write_text("load_module /evil.so;")
        harmless(restoring)
        restoring.swap()
        recover.end(restoring.host)
        kept.restore(restoring.host, "first")
        assert own.read_text() == "ours"
        assert (restoring.host.config.nginx / "nginx.conf").read_text() == "nginx.conf"

    def test_what_certbot_runs(self, restoring: Restoring) -> None:
        """What it runs and where it writes is the tool's; the account and the kind of key are the backup's."""
        restoring.unpack()
        domain = restoring.host.config.certificate.names[0]
        path = restoring.journal.new / f"letsencrypt/renewal/{domain}.conf"
        path.parent.mkdir(parents=True)
        path.write_text(RENEWAL)
        harmless(restoring)
        text = path.read_text()
        assert [word for word in ("_hook", "canary", "cron.d", "passwd", "manual") if word in text] == []
        assert "account = 0123456789abcdef0123456789abcdef\nkey_type = ecdsa\nauthenticator = webroot\n" in text
        assert f"live/{domain}/fullchain.pem" in text

    def test_variables_of_compose(self, restoring: Restoring) -> None:
        """Compose reads .env before it reads anything else."""
        restoring.unpack()
        path = restoring.journal.new / ".env"
        path.write_text("COMPOSE_FILE=/evil.yml\nA=1\nDOCKER_HOST=tcp://evil\nAPI_SECRET_KEY='two\nlines'\n")
        harmless(restoring)
        assert path.read_text() == "A=1\nAPI_SECRET_KEY='two\nlines'\n"


class TestIsNotFollowed:
    @pytest.mark.parametrize("target", ["/etc/shadow", "../../../etc/shadow", "../../.env"])
    def test_link_of_what_root_reads(self, restoring: Restoring, target: str) -> None:
        """A certificate that leads to another file would be published; nothing is swapped."""
        restoring.unpack()
        (restoring.journal.new / "nginx/ssl/fullchain.pem").symlink_to(target)
        with pytest.raises(Failure, match=r"nginx/ssl/fullchain.pem in the backup is a link to .*: it is not restored"):
            harmless(restoring)

    def test_links_of_certbot(self, restoring: Restoring) -> None:
        """They lead from one of its directories to another."""
        restoring.unpack()
        domain = restoring.host.config.certificate.names[0]
        live, archive = (restoring.journal.new / f"letsencrypt/{name}/{domain}" for name in ("live", "archive"))
        live.mkdir(parents=True)
        archive.mkdir(parents=True)
        (live / "cert.pem").symlink_to(f"../../archive/{domain}/cert1.pem")
        assert harmless(restoring).is_dir()

    def test_link_of_the_application(self, restoring: Restoring) -> None:
        """It comes back as it was; root does not follow it."""
        (restoring.root / "data" / "link").symlink_to("/etc/hostname")
        make.make(restoring.host)
        restoring.backup = existing.complete(restoring.host.config)[-1]
        (restoring.root / "data" / "link").unlink()
        restoring.unpack()
        restoring.swap()
        assert (restoring.root / "data" / "link").readlink() == Path("/etc/hostname")


class TestIsNotBelieved:
    def test_rights_of_others(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
        """Older versions kept setuid bits: they do not come back, and the list that has them is no reason to refuse."""
        program = restoring.root / "data" / "program"
        program.write_text("run")
        program.chmod(0o4755)
        with monkeypatch.context() as patched:
            patched.setattr(tar, "kept_mode", lambda state: stat.S_IMODE(state.st_mode))
            make.make(restoring.host)
        restoring.backup = existing.complete(restoring.host.config)[-1]
        restoring.unpack()
        assert (restoring.journal.new / "data" / "program").stat().st_mode & 0o7777 == 0o755

    def test_other_sizes_than_in_the_manifest(self, restoring: Restoring) -> None:
        """What is unpacked is bounded by it: seen before anything is written."""
        path = restoring.backup / "manifest.json"
        manifest = json.loads(path.read_text())
        next(part for part in manifest["parts"] if part["part"] == "volumes")["unpacked"] = 1
        path.write_text(json.dumps(manifest))
        sums = restoring.backup / "SHA256SUMS"
        lines = [line for line in sums.read_text().splitlines() if "manifest" not in line]
        digest = sha256(path.read_bytes()).hexdigest()
        sums.write_text("\n".join((*lines, f"{digest}  manifest.json")) + "\n")
        with pytest.raises(Failure, match="volumes: the list has 2 files of 5 bytes, the manifest has 2 files of 1"):
            restoring.unpack()
        assert restoring.left == []

    @pytest.mark.parametrize("moment", ["before", "meanwhile"])
    def test_a_mount_below(
        self, restoring: Restoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        """It is named, and nothing is swapped: the renaming would take it along, and the next backup would empty it."""
        if moment == "meanwhile":
            restoring.unpack()
        mounted(monkeypatch, tmp_path, restoring.root / "data" / "uploads")
        with pytest.raises(Failure, match=r"something is mounted at .*/data/uploads, so .*/data cannot be swapped"):
            restoring.unpack() if moment == "before" else restoring.swap()
        assert (restoring.journal.phase, restoring.files["data/later"]) == ("", "more")


# -- one that is sent to the host --------------------------------------------------------------------------------------


def stream(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


FOREIGN = {
    "a link": (member("SHA256SUMS", tarfile.SYMTYPE, "/etc/shadow"), b""),
    "a hard link": (member("SHA256SUMS", tarfile.LNKTYPE, "/etc/shadow"), b""),
    "a device": (member("SHA256SUMS", tarfile.BLKTYPE), b""),
    "a directory": (member("notes", tarfile.DIRTYPE), b""),
    "a path": (member("../../etc/cron.d/evil"), b"x"),
    "an absolute path": (member("/etc/cron.d/evil"), b"x"),
    "a hidden file": (member(".ssh"), b"x"),
}


class TestReceive:
    def receive(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        receive.receive(restoring.host, name)

    @pytest.mark.parametrize("name", FOREIGN)
    def test_foreign(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """Refused with its name; nothing is left."""
        wanted = restoring.backup.name[:-6] + "235959"
        before = sorted(restoring.host.config.backups.iterdir())
        with pytest.raises(Failure, match="which is no file of a backup"):
            self.receive(restoring, monkeypatch, wanted, stream(FOREIGN[name]))
        assert sorted(restoring.host.config.backups.iterdir()) == before

    def test_complete(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
        """It gets its name once it is verified."""
        away = restoring.backup.rename(restoring.root / restoring.backup.name)
        files = [(member(path.name), path.read_bytes()) for path in sorted(away.iterdir())]
        self.receive(restoring, monkeypatch, away.name, stream(*files))
        restoring.unpack()
        assert restoring.journal.new.is_dir()

    def test_cut_off(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is left."""
        away = restoring.backup.rename(restoring.root / restoring.backup.name)
        files = [(member(path.name), path.read_bytes()) for path in sorted(away.iterdir())]
        with pytest.raises(Failure, match="did not arrive complete"):
            self.receive(restoring, monkeypatch, away.name, stream(*files)[:-12_000])
        assert list(restoring.host.config.backups.iterdir()) == []

    def test_other_name(self, restoring: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is used as a path: anything else than a backup's name is refused."""
        with pytest.raises(Failure, match="is no name of a backup"):
            self.receive(restoring, monkeypatch, "../x", b"")
