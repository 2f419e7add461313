"""Restores that are cut off at every point: one of the two states serves, whole, and the other is not lost."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from tests.host.provision.test_broken_off import restart
from tests.support.cutting import Cutting
from tests.support.halting import REACHED, Halt
from tests.support.interrupting import await_point, through
from tests.support.releasing import ROOT
from tests.support.restoring import FORMER, JOURNAL, UNIT, Kept, Pair, Serving, digest_in, found_again, pair, timestamp
from tests.support.tool import Deployment

pytestmark = pytest.mark.full(share=0.06)

LIMIT = 240


@dataclass(frozen=True)
class Point:
    """A moment of a restore: a command before which it stands still, one of its own points, or what holds.

    Does its unit run then?
    """

    words: str = ""
    name: str = ""
    holds: str = REACHED
    in_unit: bool = True


POINTS = {
    "verifying": Point("^zstd -q -d ", in_unit=False),
    "unpacking": Point("^tar -C .*restoring/new", in_unit=False),
    "the unit is to start": Point("^systemd-run .*--unit=deployer-biometric-did-restore", in_unit=False),
    "the journal is to say swapping": Point(name="the journal is to say swapping"),
    "the application is to stop": Point("^docker stop --time"),
    "data is away, nothing in its place": Point(name="data is to be put in place"),
    "half is swapped": Point(name="nginx/assets is to be set aside"),
    "the new containers are to be made": Point("^docker compose .* create "),
    "the new ones start": Point(name="the new ones start"),
    "the proxy is to be switched": Point("^docker exec .* nginx -s reload"),
    "the journal is to say serving": Point(name="the journal is to say serving"),
    "the page is to be taken away": Point(name="the page is to be taken away"),
    "it is looked at from outside": Point(
        holds=f"grep -qs serving {JOURNAL} && [ ! -e {ROOT}/nginx/maintenance ]", in_unit=False
    ),
    "the former containers go": Point(name="the former containers go", in_unit=False),
}
IN_UNIT = [name for name, point in POINTS.items() if point.in_unit]


@pytest.fixture(scope="module")
def both(bed: Bed, tmp_path_factory: pytest.TempPathFactory, provisioned_snapshot: str) -> Iterator[Pair]:
    with pair(bed, tmp_path_factory.mktemp("restores"), provisioned_snapshot) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """One restore that goes wrong: the state before it, and that of the backup."""

    site: Kept
    backup: str
    before: Serving
    wanted: Serving

    @property
    def words(self) -> tuple[str, ...]:
        return ("restore", "--ts", timestamp(self.backup), "--yes")

    def ends_well(self) -> Serving:
        """One of the two serves; the state before it is in place or kept; a run finds nothing half-done after it."""
        seen = self.site.serving
        assert seen in (self.before, self.wanted)
        self.keeps_what_was()
        self.site.deployment.ok("provision", "--no-verify")
        assert self.site.remains == {}
        assert self.site.serving == seen
        self.keeps_what_was()
        print(f"\n{'the restored state' if seen == self.wanted else 'the previous state'} serves")
        return seen

    def keeps_what_was(self) -> None:
        host = self.site.deployment.host
        places = host.exec(f"ls -d {ROOT}/data {FORMER}/*/data 2>/dev/null || true").stdout.split()
        assert self.before.digest in [digest_in(self.site, place) for place in places]


@pytest.fixture
def case(both: Pair) -> Iterator[Case]:
    """The backup of the release that does not serve, and records since."""
    now = replace(both, site=found_again(both.site))
    site, backup = now.site, now.other
    site.add()
    yield Case(site, backup, site.serving, both.states[backup])
    Halt(site.deployment.host).forget()


@contextmanager
def reached(case: Case, name: str, deployed: Deployment) -> "Iterator[subprocess.Popen[str]]":
    """The run, while the host stands still at this point; it goes on after."""
    point, halt = POINTS[name], Halt(case.site.deployment.host)
    if point.words:
        halt.at(point.words)
    elif point.name:
        halt.at_point(point.name)
    run = deployed.start(*case.words)
    try:
        await_point(case.site.deployment, run, point.holds)
        yield run
        halt.go()
    finally:
        run.kill()
        run.communicate(timeout=LIMIT)


@pytest.mark.parametrize("name", POINTS)
def test_the_tool_is_killed(name: str, case: Case) -> None:
    """What the host works at it brings to its end alone."""
    with reached(case, name, case.site.deployment) as run:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate(timeout=LIMIT)
    case.site.await_end()
    case.ends_well()


@pytest.mark.parametrize("name", POINTS)
def test_the_connection_is_reset(name: str, case: Case, tmp_path: Path) -> None:
    """The tool says that it was lost; the host brings its work to its end."""
    host = case.site.deployment.host
    shutil.copytree(case.site.deployment.inventory, tmp_path / "inventory")
    with Cutting(host.address, host.port) as line:
        deployed = through(line, replace(case.site.deployment, inventory=tmp_path / "inventory"))
        with reached(case, name, deployed) as run:
            line.reset()
            out, err = run.communicate(timeout=LIMIT)
            assert run.returncode == 3, out + err
    case.site.await_end()
    case.ends_well()


@pytest.mark.parametrize("name", ["verifying", "unpacking"])
def test_ctrl_c_before_anything_is_touched(name: str, case: Case) -> None:
    """Exit 130 at once, what was there serves, and nothing is left over."""
    with reached(case, name, case.site.deployment) as run:
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        assert (run.returncode, "run the same command again" in err) == (130, True), out + err
    assert case.site.remains == {}
    assert case.site.deployment.host.exec("ls -d /var/tmp/deployer-* 2>/dev/null || true").stdout == ""
    assert case.ends_well() == case.before


@pytest.mark.parametrize("name", ["data is away, nothing in its place", "the proxy is to be switched"])
def test_ctrl_c_while_it_is_swapped(name: str, case: Case) -> None:
    """The swap is brought to its end first; then exit 130."""
    with reached(case, name, case.site.deployment) as run:
        run.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(timeout=3)  # a run that breaks off has ended by then
        Halt(case.site.deployment.host).go()
        out, err = run.communicate(timeout=LIMIT)
        assert (run.returncode, "run the same command again" in err) == (130, True), out + err
    assert case.ends_well() == case.wanted


UNIT_KILLED = f"systemctl kill -s KILL --kill-whom=main {UNIT}"
JOB_KILLED = (
    "for unit in $(systemctl list-units --plain --no-legend 'deployer-biometric-did-*.scope' | cut -d' ' -f1); "
    "do systemctl kill -s KILL $unit; done"
)
WITHOUT_UNIT = {"the journal is to say swapping": 1, "the page is to be taken away": 0}
"""How a run ends whose unit is killed with nothing swapped yet, or everything; else it is swapped back."""
SWAPPED_BACK = 4
KILLED = {
    **{f"the job: {name}": (name, JOB_KILLED, 1) for name in POINTS if name != "it is looked at from outside"},
    **{f"the unit: {name}": (name, UNIT_KILLED, WITHOUT_UNIT.get(name, SWAPPED_BACK)) for name in IN_UNIT},
    **{f"both: {name}": (name, f"{JOB_KILLED}; {UNIT_KILLED}", 1) for name in IN_UNIT},
}


@pytest.mark.parametrize("name", KILLED)
def test_the_script_on_the_host_is_killed(name: str, case: Case) -> None:
    """The job with all it started, the main process of the restore's unit, or both.

    Who hears nothing more of the job exits with 1, whatever the host makes of it alone.
    """
    point, command, exit_code = KILLED[name]
    with reached(case, point, case.site.deployment) as run:
        case.site.deployment.host.exec(command)
        out, err = run.communicate(timeout=LIMIT)
        assert run.returncode == exit_code, out + err
    case.site.await_end()
    case.ends_well()


@pytest.mark.parametrize("name", IN_UNIT)
def test_the_power_goes(name: str, case: Case) -> None:
    """Nothing is left that could go back: the host does it at boot, before anybody comes."""
    host = case.site.deployment.host
    with reached(case, name, case.site.deployment):
        restart(host, without_warning=True)
    again = replace(case, site=found_again(case.site))
    again.site.await_end()
    again.ends_well()
