"""What a run cost, with `--costs`: the dearest files by wall time, with the CPU seconds of tests and of their hosts.

Wall time is added up over all workers. The tests' CPU seconds are those of the workers and of what they started; the
hosts' are counted by the test bed when it removes a host.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping

import pytest

from testbed.cpu import USED
from tests.plugins.parts import matrix_of
from tests.plugins.tables import Row, aligned

DEAREST = 10
Seconds = defaultdict[str, float]
COLUMNS = ("wall s", "client CPU s", "hosts' CPU s")


class Costs:
    """Seconds by file, of this process and of the workers that have told theirs."""

    def __init__(self) -> None:
        self.wall: Seconds = defaultdict(float)
        self.client: Seconds = defaultdict(float)
        self.hosts: Seconds = defaultdict(float)
        self.workers = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every phase of a test took time; a worker's reports are heard by the process that prints."""
        self.wall[_file(report.nodeid)] += report.duration

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Count what this process, and what it started and saw the end of, used meanwhile."""
        before = cpu_of_this_process()
        try:
            return (yield)
        finally:
            self.client[_file(item.nodeid)] += cpu_of_this_process() - before

    def told(self) -> dict[str, dict[str, float]]:
        """What a worker tells: simple values only."""
        return {"client": dict(self.client), "hosts": dict(USED), "process": {"": cpu_of_this_process()}}

    def add(self, told: Mapping[str, Mapping[str, float]]) -> None:
        """Add what a worker told."""
        self.workers += sum(told["process"].values())
        _add(self.client, told["client"])
        _add(self.hosts, told["hosts"])

    def rows(self) -> list[Row]:
        """The dearest files, and all of them together."""
        hosts: Seconds = defaultdict(float)
        for told in (self.hosts, USED):
            _add(hosts, told)
        dearest = sorted(self.wall, key=lambda name: -self.wall[name])[:DEAREST]
        rows: list[Row] = [(name, (self.wall[name], self.client[name], hosts[name])) for name in dearest]
        client = self.workers + cpu_of_this_process(with_children=not self.workers)
        return [*rows, ("all files, with pytest itself", (sum(self.wall.values()), client, sum(hosts.values())))]


COSTS = pytest.StashKey[Costs]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--costs`."""
    parser.addoption("--costs", action="store_true", help="show the dearest files: wall time, CPU seconds")


def pytest_configure(config: pytest.Config) -> None:
    """Count where it is asked for, in each worker too."""
    if config.getoption("--costs"):
        config.stash[COSTS] = Costs()
        config.pluginmanager.register(config.stash[COSTS], "costs of this run")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what it counted."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None and COSTS in session.config.stash:
        told["costs"] = session.config.stash[COSTS].told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take what a worker told."""
    told = getattr(node, "workeroutput", {}).get("costs")
    if told is not None:
        config: pytest.Config = node.config  # type: ignore[attr-defined]  # xdist's controller of a worker
        config.stash[COSTS].add(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table."""
    costs = terminalreporter.config.stash.get(COSTS, None)
    if costs is not None:
        terminalreporter.section("costs")
        for line in aligned("dearest files", COLUMNS, costs.rows()):
            terminalreporter.write_line(line)


def cpu_of_this_process(*, with_children: bool = True) -> float:
    """User and system seconds, with those of the children that have ended and were waited for."""
    times = os.times()
    children = times.children_user + times.children_system if with_children else 0.0
    return times.user + times.system + children


def _add(total: Seconds, seconds: Mapping[str, float]) -> None:
    for test, used in seconds.items():
        total[_file(test)] += used


def _file(nodeid: str) -> str:
    return matrix_of(nodeid) or "other"
