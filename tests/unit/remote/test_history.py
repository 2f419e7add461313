"""`releases repair`, and the question that finds a log to be repaired: with real bash, from real directories."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from deployer.engine.host_program import settings_of
from deployer.inventory.model import Inventory
from deployer.releases.history import History, ask_history, history
from deployer.releases.log import Release, current, parse
from deployer.releases.serving import probes_of_serving
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result, run
from deployer.remote.release.history import releases
from tests.support.fakes import IS_ROOT, asked_here
from tests.unit.remote.conftest import FakeDocker
from tests.unit.remote.inspecting import provisioned

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="the files are root's, as on a host")
NAMES = ("20260101_000000-aaaaaaa", "20260102_000000-bbbbbbb", "20260103_000000-ccccccc")
COMMITS = {name: name[-1] * 40 for name in NAMES}
GARBAGE = [
    b"garbage",
    b"\0\0\0\0",
    b'{"id": "x"',
    b"\xff\xfe",
    b"5",
    b"null",
    b"[]",
    b'{"id": "y", "result": "deployed"}',
]


@dataclass
class Kept:
    """A host with three releases."""

    inventory: Inventory
    docker: FakeDocker

    @property
    def log(self) -> Path:
        return Path(self.inventory.paths.release_log)

    def directory(self, name: str) -> Path:
        return Path(self.inventory.paths.releases) / name

    @property
    def history(self) -> History:
        return history(asked_here({"it": ask_history(self.inventory)})["it"])

    @property
    def found(self) -> tuple[Release, ...]:
        return parse(self.log.read_text(errors="replace"))

    def repair(self) -> None:
        releases(Host(settings_of(self.inventory), self.docker), ["repair"])


def line(name: str, result: str = "deployed", **other: object) -> bytes:
    date, time = name[:8], name[9:15]
    when = f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"
    tags = {"backend-api": f"x-backend:{COMMITS[name][:12]}-1"}
    release = Release(name, when, "main", COMMITS[name], "c0ffee", result, "ada", "", {"backend-api": "sha256:1"}, tags)
    return json.dumps({**asdict(release), **other}).encode() + b"\n"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(provisioned(tmp_path), FakeDocker())
    for name in NAMES:
        made.directory(name).mkdir(parents=True)
        services = f"backend-api backend 8000 1 yes x-backend:{COMMITS[name][:12]}-1 true\n"
        (made.directory(name) / "services").write_text(services)
        (made.directory(name) / "release.json").write_bytes(line(name))
    made.directory(".next").mkdir()
    made.log.write_bytes(b"".join(map(line, NAMES)))
    return made


def test_complete(kept: Kept) -> None:
    """As many are kept as are retained, latest first."""
    found = kept.history
    assert (found.is_complete, found.served, sorted(found.kept)) == (True, NAMES[::-1], list(NAMES))
    assert found.current and found.current.id == NAMES[2]
    assert found.keep(1) == (NAMES[2],)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_damaged_line(kept: Kept, garbage: bytes) -> None:
    """It is noticed and fails nothing; nothing is removed because of it, and the repair leaves it out."""
    before = kept.log.read_bytes()
    kept.log.write_bytes(before + garbage + b"\n")
    assert set(kept.history.keep(1)) == set(NAMES)
    assert kept.history.current == kept.found[-1]
    kept.repair()
    assert kept.log.read_bytes() == before
    assert kept.history.is_complete
    assert kept.log.with_name("releases.jsonl.damaged").read_bytes() == before + garbage + b"\n"


@pytest.mark.parametrize("content", [None, b"", b"garbage\n" * 3, line(NAMES[2]), line(NAMES[1])[:-20]])
def test_releases_without_a_line(kept: Kept, content: bytes | None) -> None:
    """The log lost, emptied, overwritten, cut off: each release that is kept stays, and has its line again."""
    kept.log.unlink() if content is None else kept.log.write_bytes(content)
    assert set(kept.history.keep(1)) == set(NAMES)
    kept.repair()
    assert kept.log.read_bytes() == b"".join(map(line, NAMES))
    assert kept.history.is_complete


def test_of_an_older_version(kept: Kept) -> None:
    """What its directory and the clone say of it."""
    source = Path(kept.inventory.paths.source)
    source.mkdir()
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
        assert run("git", "-C", str(source), *identity, *words, limit=20).succeeded
    commit = run("git", "-C", str(source), "rev-parse", "HEAD", limit=20).text.strip()
    for name, short in zip(NAMES[:2], (commit[:12], "0" * 12), strict=True):
        (kept.directory(name) / "release.json").unlink()
        (kept.directory(name) / "services").write_text(f"backend-api backend 8000 1 yes x-backend:{short}-1 true\n")
    kept.log.write_bytes(line(NAMES[2]))
    kept.repair()
    first, second, third = kept.found
    assert (first.id, first.commit, first.time) == (NAMES[0], commit, "2026-01-01T00:00:00Z")
    assert first.tags == {"backend-api": f"x-backend:{commit[:12]}-1"}
    assert second.commit == "0" * 12
    assert current(kept.found) == third


def test_rollback_that_was_lost(kept: Kept) -> None:
    """What runs says which release serves."""
    kept.log.write_bytes(b"garbage\n")
    kept.docker.outputs = {"ps": "id\n"}
    labels = json.dumps({"deployer.commit": COMMITS[NAMES[0]]}).encode()
    kept.docker.answer = lambda words: Result(0, labels) if words[0] == "inspect" else None
    kept.repair()
    assert [(release.id, release.result) for release in kept.found][2:] == [
        (NAMES[2], "deployed"),
        (NAMES[0], "restored"),
    ]
    assert kept.history.served == (NAMES[0], NAMES[2], NAMES[1])


def test_failed_releases_stay(kept: Kept) -> None:
    """Their lines are readable, though they have no directory; texts that a person gave stay as they are."""
    failed = line(NAMES[2], "failed", id="20260102_120000-ccccccc", why='"quoted" {ž}')
    kept.log.write_bytes(line(NAMES[0]) + failed + line(NAMES[2]))
    kept.repair()
    assert [release.why for release in kept.found if release.result == "failed"] == ['"quoted" {ž}']
    assert kept.history.served == NAMES[::-1]


def test_a_directory_that_is_none(kept: Kept) -> None:
    """What a person put there is no release."""
    kept.directory("mine").mkdir()
    assert kept.history.is_complete


def test_usage(kept: Kept) -> None:
    """Exit code 2."""
    with pytest.raises(Failure, match="usage: releases repair") as failure:
        releases(Host(settings_of(kept.inventory), kept.docker), [])
    assert failure.value.exit_code == 2


def test_questions_of_a_bare_host(tmp_path: Path) -> None:
    """Nothing is there: every question about what serves has an answer, and it is that there is nothing."""
    host = provisioned(tmp_path)
    questions = {name: ask for name, ask in probes_of_serving(host).items() if name != "containers"}
    answers = asked_here(questions)
    assert {name: answers[name].strip() for name in questions if name != "history"} == dict.fromkeys(
        (name for name in questions if name != "history"), ""
    )
    assert history(answers["history"]) == History()


def test_links_that_are_published(kept: Kept) -> None:
    """They are found, the first five of them."""
    assets = Path(kept.inventory.paths.nginx) / "assets" / "static"
    assets.mkdir(parents=True)
    (assets / "a-1a2b3c4d.js").touch()
    question = {"planted": probes_of_serving(kept.inventory)["planted"]}
    assert asked_here(question)["planted"] == ""
    for number in range(7):
        (assets / f"link-{number}").symlink_to("/")
    assert len(asked_here(question).lines("planted")) == 5
