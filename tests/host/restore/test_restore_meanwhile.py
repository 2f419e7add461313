"""While a restore goes on, and after it: the page, the lock, the former state, and images that are gone."""

from collections.abc import Iterator

import pytest

from testbed.bed import Bed
from tests.support.halting import REACHED, Halt
from tests.support.interrupting import await_point
from tests.support.releasing import API, ROOT, parts
from tests.support.restoring import BACKUPS, FORMER, Kept, Pair, is_in_sync, pair, timestamp
from tests.support.traffic.running import DOMAIN

pytestmark = pytest.mark.in_turn


@pytest.fixture(scope="module")
def both(bed: Bed, tmp_path_factory: pytest.TempPathFactory, provisioned_snapshot: str) -> Iterator[Pair]:
    with pair(bed, tmp_path_factory.mktemp("meanwhile"), provisioned_snapshot) as made:
        yield made


@pytest.fixture
def site(both: Pair) -> Iterator[Kept]:
    yield both.site
    Halt(both.site.deployment.host).forget()


def test_the_page_is_shown_meanwhile(site: Kept, both: Pair) -> None:
    """503 with Retry-After while it is swapped, an update is refused, cron's backup waits; then all goes on."""
    host, wanted = site.deployment.host, both.other
    Halt(host).at_point("the new ones start")
    run = site.deployment.start("restore", "--ts", timestamp(wanted), "--yes", "--json")
    await_point(site.deployment, run, REACHED)
    seen = site.visitor.ask(API, "/api/instance")
    assert (seen.status, seen.all("Retry-After")) == (503, ["300"])
    assert site.visitor.ask(DOMAIN).status == 503
    assert site.deployment.json("update").exit_code == 6
    host.exec(f"systemd-run --quiet --collect --unit=cron-backup {ROOT}/.deployer/bin/backup")
    host.exec("timeout 20 bash -c 'until pgrep -f \"[r]emote.pyz cron backup\"; do sleep 0.1; done'")
    known = host.exec(f"ls {BACKUPS}").stdout
    Halt(host).go()
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, out + err
    assert '"gap": ' in out
    assert site.serving.version == both.states[wanted].version
    host.exec("timeout 60 bash -c 'while systemctl is-active -q cron-backup; do sleep 0.1; done'")
    assert len(host.exec(f"ls {BACKUPS}").stdout.split()) == len(known.split()) + 1
    assert site.formers == [], "the backup that waited was made, and holds the new state"


def test_refused_while_an_update_runs(site: Kept, both: Pair) -> None:
    """Exit 6, and nothing is touched; the update is not disturbed."""
    site.commit("3")
    Halt(site.deployment.host).at("^docker compose .* create ")
    run = site.deployment.start("update")
    await_point(site.deployment, run, REACHED)
    assert site.restore(both.other).exit_code == 6
    Halt(site.deployment.host).go()
    out, err = run.communicate(timeout=300)
    assert (run.returncode, site.version) == (0, "3"), out + err


def test_two_releases_ago_and_without_its_images(site: Kept, both: Pair) -> None:
    """A backup of the first release, whose images are gone, under the third: they are built, and its state serves."""
    first, wanted = next(iter(both.states.items()))
    newest = site.backup()
    both.states[newest] = site.serving
    host = site.deployment.host
    images = next(event["images"] for event in site.deployment.ok("backups").events if event.get("id") == first)
    assert isinstance(images, dict)
    host.exec(f"docker rmi {' '.join(images.values())}")
    done = site.restore(first)
    assert done.exit_code == 0, done.out[-3000:]
    assert site.serving == wanted
    is_in_sync(site)
    assert site.restore(newest).exit_code == 0
    assert site.serving == both.states[newest]
    is_in_sync(site)


def test_the_former_states_are_kept_until_the_next_backup(site: Kept, both: Pair) -> None:
    """Each restore keeps the state that it replaced; a backup, which holds the new one, ends that."""
    site.backup()
    assert site.formers == []
    for number in (1, 2):
        site.add()
        replaced = site.tree("data")
        assert site.restore(both.other).exit_code == 0
        assert len(site.formers) == number
        assert site.tree("data", base=f"{FORMER}/{site.formers[-1]}") == replaced
    site.backup()
    assert site.formers == []


def test_maintenance_that_was_on_stays_on(site: Kept, both: Pair) -> None:
    """Only what the restore switched on it switches off."""
    wanted = both.other
    site.deployment.ok("maintenance", "on")
    done = site.restore(wanted)
    assert done.exit_code == 0
    assert parts(done)["gap"] > 0
    assert site.visitor.ask(API, "/api/instance").status == 503
    site.deployment.ok("maintenance", "off")
    assert site.visitor.ask(API, "/api/instance").status == 200
