"""Fixtures of the host tests: the test bed, the published application, fresh and provisioned hosts."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from testbed.bed import Bed, prepare
from testbed.host import TestHost
from testbed.images import STAND_INS
from testbed.origin import Repository, publish, published
from testbed.runs import Run, joined
from testbed.shell import BedError
from testbed.variants import Variant
from tests.host.ordering import Spreading, ordered
from tests.plugins.durations import known_seconds
from tests.support.listing import listing
from tests.support.rotating import chosen
from tests.support.tool import Deployment, booted, deployment
from tests.support.traffic.running import BOUNDED, UNBOUNDED

UNDISTURBED = "undisturbed.json"
HERE = Path(__file__).parent
APPLICATION = HERE.parents[1] / "testbed" / "application"

Boot = Callable[..., TestHost]

USED_STAND_INS = pytest.StashKey[tuple[str, ...]]()
RATE = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """The order is the one of the tests here, not that of the number of tests in a group."""
    config.option.loadscopereorder = False


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return Spreading(config, log) if config.option.dist == "loadgroup" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the sample was taken: what is chosen and ordered here is what will run."""
    here = [item for item in items if HERE in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.host)
    items[:] = [*(item for item in items if HERE not in item.path.parents), *ordered(here, known_seconds())]
    visited = [item for item in here if "rate" in getattr(item, "fixturenames", ())]
    if visited:
        visited[chosen(len(visited))].stash[RATE] = UNBOUNDED


@pytest.fixture(scope="session")
def bed(request: pytest.FixtureRequest) -> Bed:
    ready = prepare()
    stand_ins = [recipe.stands_for for recipe in STAND_INS] if ready.registry.needed else []
    request.config.stash[USED_STAND_INS] = tuple(stand_ins)
    return ready


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of two processes side by side tells the one that prints the summary."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None and USED_STAND_INS in session.config.stash:
        names = session.config.stash[USED_STAND_INS]
        told["stand_ins"] = [*names]


def pytest_testnodedown(node: WorkerController) -> None:
    if "stand_ins" in getattr(node, "workeroutput", {}):
        names: tuple[str, ...] = tuple(node.workeroutput["stand_ins"])
        node.config.stash[USED_STAND_INS] = names


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which official images were not the real ones, and on what the hosts ran."""
    stand_ins = terminalreporter.config.stash.get(USED_STAND_INS, None)
    if stand_ins is not None:
        base = os.environ.get("TEST_HOST_IMAGE", "Debian 13 (trixie), bootstrapped")
        terminalreporter.write_line(f"hosts: {base}; stand-ins for official images: {', '.join(stand_ins) or 'none'}")


@pytest.fixture
def rate(request: pytest.FixtureRequest) -> float:
    """Requests a second for a test's traffic. Of all tests that ask, one has no bound: another one for each commit."""
    found: float = request.node.stash.get(RATE, BOUNDED)
    return found


@pytest.fixture(scope="session")
def run(testrun_uid: str) -> Iterator[Run]:
    """This run of the tests, whose processes share what is dear."""
    with joined(testrun_uid[:8]) as joint:
        yield joint


@pytest.fixture(scope="session")
def repository(bed: Bed, run: Run) -> Repository:
    """One for all processes: nobody commits to it, and a copy of the provisioned host is in sync with it."""
    name = f"application-{run.name}"
    with run.alone("repository"):
        return published(name) or publish(name, APPLICATION)


@pytest.fixture
def boot(bed: Bed) -> Iterator[Boot]:
    """Boot hosts for one test; they are removed after it."""
    with ExitStack() as hosts:

        def start(
            name: str = "web", variant: Variant | None = None, from_snapshot: str = "", builds_of: str = ""
        ) -> TestHost:
            return hosts.enter_context(booted(bed, name, variant, from_snapshot, builds_of))

        yield start


@pytest.fixture
def fresh(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path) -> Deployment:
    """A host as it comes, and an inventory for it."""
    return deployment(tmp_path / "inventory", boot(), bed, repository)


def made_once(run: Run, kind: str, make: Callable[[str], None]) -> str:
    """The tag of a snapshot; a test that cannot have it fails with one message, at once."""
    try:
        return run.once(kind, make)
    except BedError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def provisioned_snapshot(bed: Bed, run: Run, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tag of a host that was provisioned once; tests start from copies of it."""

    def make(tag: str) -> None:
        with booted(bed, "golden") as host:
            deployment(tmp_path_factory.mktemp("golden"), host, bed, repository).ok("provision")
            (run.directory / UNDISTURBED).write_text(json.dumps(listing(host)))
            bed.snapshot(host, tag)

    return made_once(run, "provisioned", make)


@pytest.fixture(scope="session")
def undisturbed(run: Run, provisioned_snapshot: str) -> dict[str, str]:
    """The listing of the host that was provisioned with no disturbance."""
    listed: dict[str, str] = json.loads((run.directory / UNDISTURBED).read_text())
    return listed


@pytest.fixture(scope="session")
def builds(bed: Bed, run: Run, provisioned_snapshot: str) -> str:
    """The tag of a Docker that has built the application and has nothing else: fresh hosts need not build it again."""
    remove = "docker rm -f $(docker ps -aq) && docker network prune -f && docker image rm -f $(docker image ls -q)"

    def make(tag: str) -> None:
        with booted(bed, "builder", from_snapshot=provisioned_snapshot) as host:
            host.exec(remove)
            bed.snapshot(host, tag)

    return made_once(run, "builds", make)


@pytest.fixture(scope="session")
def half_way(bed: Bed, run: Run, repository: Repository, builds: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tag of a host with packages and Docker, whose run ended where the repository was to be cloned."""
    absent = f'repository = "{repository.url.removesuffix(".git")}-absent.git"'

    def make(tag: str) -> None:
        with booted(bed, "half-way", builds_of=builds) as host:
            made = deployment(tmp_path_factory.mktemp("half-way"), host, bed, repository, source=absent)
            assert made.json("provision").exit_code == 1
            bed.snapshot(host, tag)

    return made_once(run, "half-way", make)


@pytest.fixture
def provisioned(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path, provisioned_snapshot: str) -> Deployment:
    """A host of its own for one test, as a provision left it, which serves."""
    host = boot("copy", from_snapshot=provisioned_snapshot)
    made = deployment(tmp_path / "inventory", host, bed, repository)
    made.await_site()
    return made
