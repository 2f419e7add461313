"""10.1 Release: .env, compose, nginx and containers as one plan."""

from deployer.engine.changes import OutsideCheck, Script, WriteFiles
from deployer.site.compose import BACKEND, WALLET
from deployer.steps import compose, containers, environment, nginx, release
from tests.support.fakes import inventory, planned, whys

from .hosts import (
    IDS,
    NEWER,
    behind,
    built,
    converged,
    current,
    history,
    recorded,
)

HOST = inventory()
LOOK = "check the site; roll back if it got worse"
FINISH = "stop the old containers once they have answered their last request"
RECORD = "record the release, and remove those beyond releases.retain"
IMAGE = "roll out the new {} image"


def test_asks_what_its_parts_ask() -> None:
    """Nothing is left out, and no part's question hides another's."""
    asked = release.probes(HOST)
    for part in (environment, compose, nginx, containers):
        assert part.probes(HOST).items() <= asked.items()


def test_another_commit() -> None:
    """Only the containers, since no setting changed."""
    answers = behind(release, HOST)
    answers["images"] = (
        built(HOST, BACKEND, WALLET, commit=NEWER, ids={**IDS, WALLET: "sha256:n"})
        + built(HOST, BACKEND, WALLET)
        + current(HOST, BACKEND, WALLET)
    )
    assert whys(planned(release, HOST, answers)) == [
        f"{IMAGE.format(WALLET)} without downtime",
        LOOK,
        FINISH,
        RECORD,
    ]


def test_all_of_it_is_one_plan() -> None:
    """Settings of every part and another commit: written first, then rolled out, each in its order."""
    host = inventory(
        {"DB_PASSWORD": "x" * 40},
        environment={"EXTRA": "1"},
        backend={"memory": "2G"},
        nginx={"rate_burst": 7},
    )
    answers = {**converged(release, HOST), "commit": NEWER}
    root = "/opt/biometric-did"
    assert whys(planned(release, host, answers)) == [
        f"write {root}/.env (its values differ)",
        f"write {root}/docker-compose.yml (content differs)",
        f"write {root}/nginx/conf.d/biometric-did.conf (content differs)",
        "reload the proxy with its configuration on disk",
        f"make the user of the backend's image the owner of {root}/logs and {root}/data",
        f"{IMAGE.format(BACKEND)} without downtime; {IMAGE.format(WALLET)} without downtime",
        LOOK,
        FINISH,
        RECORD,
    ]


def test_environment_alone() -> None:
    """A variable of .env: the backend alone is started anew, the wallet runs on."""
    host = inventory(environment={"EXTRA": "1"})
    items = planned(release, host, converged(release, HOST))
    assert whys(items)[0] == "write /opt/biometric-did/.env (its values differ)"
    assert whys(items)[-4:] == [
        f"roll out {BACKEND} with other settings or another number of containers without downtime",
        LOOK,
        FINISH,
        RECORD,
    ]
    (roll,) = [item for item in items if isinstance(item, Script) and " release roll " in item.script]
    assert roll.script.endswith(f" {BACKEND}")


def test_proxy_alone() -> None:
    """A setting of nginx is a reload: nothing is rolled, nobody looks from outside, but it is another release."""
    host = inventory(nginx={"rate_burst": 7})
    items = planned(release, host, converged(release, HOST))
    assert whys(items) == [
        "write /opt/biometric-did/nginx/conf.d/biometric-did.conf (content differs)",
        "reload the proxy with its configuration on disk",
        RECORD,
    ]
    assert not [item for item in items if isinstance(item, OutsideCheck)]


def test_converged_with_another_way_to_say_it() -> None:
    """A restored release whose configuration the inventory still asks for is unchanged."""
    answers = {**converged(release, HOST), "history": history(recorded(HOST, "restored"))}
    assert planned(release, HOST, answers) == ()


def test_what_is_put_back() -> None:
    """What is written before the roll-out has a way back when that fails: files by the runner, the rest by its own."""
    host = inventory(environment={"EXTRA": "1"}, nginx={"rate_burst": 7})
    items = planned(release, host, converged(release, HOST))
    before = items[: next(number for number, item in enumerate(items) if "roll " in getattr(item, "script", ""))]
    assert len(before) == 4
    assert all(isinstance(item, WriteFiles) or (isinstance(item, Script) and item.undo) for item in before)
