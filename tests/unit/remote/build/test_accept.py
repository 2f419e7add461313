"""Images that are checked on the host: whatever they hold, nothing of them is run or unpacked."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO

import pytest

from deployer.remote import image_files
from deployer.remote.build.verbs import image
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import OnOutput, Result

API = "https://api.example.com"
SECRET = "s" * 40
CONTAINER = "0" * 64
ACCEPT = ("accept", "web-wallet:unproved", "web-wallet:1", API)


@dataclass
class Docker:
    """Gives `pages` as the archive of the image's public files; it keeps what it was asked."""

    pages: bytes = b""
    created: Result = field(default_factory=lambda: Result(0, f"{CONTAINER}\n".encode()))
    tagged: Result = field(default_factory=lambda: Result(0, b""))
    calls: list[str] = field(default_factory=list)

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        self.calls.append(" ".join(words))
        if words[0] == "cp" and into:
            into.write(self.pages)
            return Result(0 if self.pages else 1, b"")
        return {"create": self.created, "tag": self.tagged}.get(words[0], Result(0, b""))


def archive(files: Mapping[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """As `docker cp` prints it: names begin with that of the directory."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as written:
        for name, content in files.items():
            info = tarfile.TarInfo(f"html/{name}")
            info.size = len(content)
            written.addfile(info, io.BytesIO(content))
        for info in others:
            written.addfile(info)
    return made.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"html/{name}")
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def docker() -> Docker:
    return Docker(archive({"index.html": b"<h1>", "app.js": f'fetch("{API}/x")'.encode()}))


@pytest.fixture(autouse=True)
def environment(host: Host) -> None:
    host.config.environment.write_text(f"API_SECRET_KEY={SECRET}\nHOST=example.com\n")


def accept(host: Host, docker: Docker, *words: str) -> None:
    image(host, words or ACCEPT)


def refused(host: Host, docker: Docker) -> str:
    with pytest.raises(Failure) as failed:
        accept(host, docker)
    assert not any(call.startswith("tag") for call in docker.calls)
    assert docker.calls[-1] == "rmi web-wallet:unproved", "the candidate does not stay"
    return str(failed.value)


def test_accepted(host: Host, docker: Docker) -> None:
    """It gets its name; the container, with volumes that the image declares, and the candidate's name go."""
    accept(host, docker)
    create, copy, remove, tag, forget = docker.calls
    assert create.startswith("create --label com.docker.compose.project=biometric-did-look web-wallet:unproved")
    assert copy == f"cp {CONTAINER}:/usr/share/nginx/html -"
    assert remove == f"rm --force --volumes {CONTAINER}"
    assert (tag, forget) == ("tag web-wallet:unproved web-wallet:1", "rmi web-wallet:unproved")


def test_backend(host: Host, docker: Docker) -> None:
    """Without the API's address it is not the wallet's image: nothing of it is public."""
    accept(host, docker, "accept", "web-backend:unproved", "web-backend:1", "")
    assert docker.calls == ["tag web-backend:unproved web-backend:1", "rmi web-backend:unproved"]


@pytest.mark.parametrize("at", [0, (1 << 20) - 20, 3 << 20])
def test_secret(host: Host, docker: Docker, at: int) -> None:
    """Wherever it is in a file, also where what is searched at once ends in it; it is not shown itself."""
    docker.pages = archive({"app.js": API.encode(), "js/deep/a.js": b" " * at + SECRET.encode() + b" " * 100})
    message = refused(host, docker)
    file = host.config.environment
    assert message == f"the wallet's public files contain a secret of {file}: /usr/share/nginx/html/js/deep/a.js"


def test_many_files_with_a_secret(host: Host, docker: Docker) -> None:
    """Some of them are named."""
    docker.pages = archive({f"{number}.js": SECRET.encode() for number in range(99)})
    assert refused(host, docker).count("/usr/share/nginx/html/") == 10


def test_address_across_pieces(host: Host, docker: Docker) -> None:
    """What is searched at once has no influence on what is found."""
    docker.pages = archive({"app.js": b" " * ((1 << 20) - 5) + API.encode()})
    accept(host, docker)


def test_without_the_address(host: Host, docker: Docker) -> None:
    """A build that ignored its argument would ask another API."""
    docker.pages = archive({"app.js": b"https://api.example.org"})
    assert "do not contain https://api.example.com: check that its build reads wallet.api_url_variable" in refused(
        host, docker
    )


@pytest.mark.parametrize(
    "pages", [b"", archive({}), archive({}, member("app.js", tarfile.SYMTYPE, "/proc/self/environ"))]
)
def test_no_files(host: Host, docker: Docker, pages: bytes) -> None:
    """There is no such directory, it is empty, or it has links, which are never followed."""
    docker.pages = pages
    assert refused(host, docker) == "the wallet's image has no files in /usr/share/nginx/html"


def test_hostile_members(host: Host, docker: Docker) -> None:
    """Links, devices and pipes are passed over; nothing is written anywhere."""
    others = (
        member("root", tarfile.SYMTYPE, "/"),
        member("disk", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("hard", tarfile.LNKTYPE, "html/app.js"),
    )
    docker.pages = archive({"app.js": API.encode(), "../../../etc/cron.d/x": b"x"}, *others)
    accept(host, docker)


def test_larger_than_anything(host: Host, docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without end are refused when the limit is reached; what Docker still prints is not read."""
    monkeypatch.setattr(image_files, "LARGEST", 3 << 20)
    docker.pages = archive({"app.js": API.encode(), "zeros": bytes(50 << 20)})
    assert refused(host, docker) == "/usr/share/nginx/html of the image is larger than 3 MiB"


def test_cut_off(host: Host, docker: Docker) -> None:
    """An archive that ends early was not searched."""
    docker.pages = archive({"app.js": API.encode(), "more": bytes(100_000)})[:50_000]
    assert "of the image cannot be read" in refused(host, docker)


def test_docker_creates_nothing(host: Host, docker: Docker) -> None:
    """Docker's own words are the reason."""
    docker.created = Result(1, b"", b"No such image: web-wallet:unproved")
    assert "No such image: web-wallet:unproved" in refused(host, docker)


def test_not_tagged(host: Host, docker: Docker) -> None:
    """The release must not go on without the name."""
    docker.tagged = Result(1, b"", b"no space left on device")
    with pytest.raises(Failure, match=r"could not be named web-wallet:1:\nno space left on device"):
        accept(host, docker)


def test_usage(host: Host) -> None:
    """What exists is listed."""
    with pytest.raises(Failure, match=r"usage: image check\|build\|pull\|accept") as failed:
        image(host, ["push"])
    assert failed.value.exit_code == 2
