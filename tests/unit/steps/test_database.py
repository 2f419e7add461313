"""14.2 PostgreSQL: facts in, changes out. What the changes do is proved on a host."""

import hashlib

import pytest

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.host_program import call, run
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.site.compose import DATABASE
from deployer.steps import GUIDE, containers, database, directories, environment, release
from tests.support.fakes import inventory, planned, texts, whys

from .hosts import all_containers, container, converged, drifted, env, fresh

HOST = inventory(postgres={"enabled": True})
SUPPLIED = inventory({"DB_PASSWORD": "the-operators-own"}, postgres={"enabled": True})
OFF = inventory()
START = "start PostgreSQL (postgres:15) and wait until it accepts the password in .env"
AGREE = "set the password of the role app_user to the one in /opt/biometric-did/.env"
REFUSED = "data=15\nimage=present 15\nlogin=\n"
"""The server runs, and refuses the password of .env."""
RUNNING = container(HOST, DATABASE)


def without(host: Inventory = HOST) -> str:
    return all_containers(host).replace(container(host, DATABASE), "")


def with_other(**other: str) -> str:
    return without() + container(HOST, DATABASE, 1, **other)


def test_fresh_host() -> None:
    """Pulled, started alone, logged in to."""
    found = planned(database, HOST, fresh(database, HOST))
    assert whys(found) == ["pull postgres:15", START]
    start = found[1]
    assert isinstance(start, Script)
    assert start.script == run(HOST, "postgres", "start", "postgres:15")
    assert not start.critical


@pytest.mark.parametrize("state", ["exited", "created", "dead"])
def test_does_not_run(state: str) -> None:
    """It is started; the image is there already."""
    assert drifted(database, HOST, containers=with_other(state=state), database=REFUSED) == [START]
    assert drifted(database, HOST, containers=without(), database=REFUSED) == [START]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"config": "other"}, "its image or its settings changed"),
        ({"health": "unhealthy"}, "it is unhealthy"),
        ({"restart": "no"}, "biometric-did-postgres-1 runs with the restart policy no"),
    ],
)
def test_replaced(other: dict[str, str], reason: str) -> None:
    """Announced as a gap, and not to be broken off in it."""
    answers = {**converged(database, HOST), "containers": with_other(**other)}
    (change,) = planned(database, HOST, answers)
    assert isinstance(change, Script)
    assert change.why == (f"replace PostgreSQL's container (postgres:15: {reason}), with some seconds of downtime")
    assert change.critical


@pytest.mark.parametrize("health", ["healthy", "starting"])
def test_other_password(health: str) -> None:
    """One that runs and refuses the password of .env has its role mended, not its container replaced."""
    found = {**converged(database, HOST), "containers": with_other(health=health), "database": REFUSED}
    assert whys(planned(database, HOST, found)) == [AGREE]


def digest_of(password: str) -> dict[str, str]:
    return {"DB_PASSWORD": hashlib.sha256(password.encode()).hexdigest()}


def test_supplied_password_is_foreseen() -> None:
    """What the operator changed is told before .env is written: by a dry run, and within a release."""
    told = env(SUPPLIED, digest_of("the-former-one"))
    assert drifted(database, SUPPLIED, env=told) == [AGREE]
    assert drifted(database, SUPPLIED, env=env(SUPPLIED, digest_of("the-operators-own"))) == []
    (write, agree, *roll) = drifted(release, SUPPLIED, env=told)
    assert write == "write /opt/biometric-did/.env (its values differ)"
    assert agree == AGREE
    assert roll[0] == (
        "replace backend-api, since biometric-did-backend-api-1 runs with another DATABASE_URL, DB_PASSWORD in its "
        "environment, without downtime"
    )


def test_password_is_taken_back_with_a_release() -> None:
    """The former .env lies beside the release's job: where that fails the role gets the former password again."""
    told = {**converged(release, SUPPLIED), "env": env(SUPPLIED, digest_of("the-former-one"))}
    agree = planned(release, SUPPLIED, told)[1]
    assert isinstance(agree, Script)
    undo = f'former.payload; [ ! -e "$former" ] || {call(SUPPLIED, "postgres", "agree")} "$former"'
    assert agree.undo.endswith(undo)


def test_switched_on_by_an_update() -> None:
    """The release brings it before the backend that needs it."""
    told = {**converged(release, HOST), "env": env(OFF), "containers": without(), "database": ""}
    found = whys(planned(release, HOST, {**told, "compose": ""}))
    assert [why.partition(" (")[0] for why in found[:4]] == [
        "write /opt/biometric-did/.env",
        "write /opt/biometric-did/docker-compose.yml",
        "pull postgres:15",
        "start PostgreSQL",
    ]


@pytest.mark.parametrize(
    ("image", "told", "data"),
    [
        ("postgres:16", "", "15"),
        ("registry.example.com:5000/postgres:16.1-bookworm", "", "15"),
        ("db", "present 14", "15"),
    ],
)
def test_other_major_version(image: str, told: str, data: str) -> None:
    """The data are not touched: a stop that says how to change over."""
    host = inventory(postgres={"enabled": True, "image": image})
    with pytest.raises(Stop) as stopped:
        planned(database, host, {**converged(database, host), "database": f"data={data}\nimage={told}"})
    (problem,) = stopped.value.problems
    assert f"holds data of PostgreSQL {data}" in problem.text
    assert "pg_dump -U app_user biometric_did" in problem.remedy
    assert f"set postgres.image to an image of PostgreSQL {data}" in problem.remedy


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("postgres:15.4", ""),
        (f"postgres:15@sha256:{'9' * 64}", ""),
        (f"postgres@sha256:{'9' * 64}", ""),
        ("postgres:15", "present 15"),
        ("db", ""),
        ("db:x", "present "),
    ],
)
def test_same_major_version(image: str, told: str) -> None:
    """Nor is one refused of which nothing is known: the script looks again when the image is there."""
    host = inventory(postgres={"enabled": True, "image": image})
    state = f"data=15\nimage={told}\nlogin=accepted"
    found = planned(database, host, {**converged(database, host), "database": state})
    assert whys(found) == ([] if told else [f"pull {image}"])


@pytest.mark.parametrize("step", [database, release])
def test_switched_off(step: Step) -> None:
    """A container that still runs is reported, with the command; nothing is done to it, or to its data."""
    told = converged(step, OFF)
    found = planned(step, OFF, {**told, "containers": all_containers(OFF) + RUNNING})
    assert whys(found) == []
    assert texts(found) == [
        "biometric-did-postgres-1 is running although postgres.enabled = false; /opt/biometric-did/postgres is kept"
    ]
    assert isinstance(found[0], Note)
    assert found[0].remedy.endswith("sudo docker rm -f biometric-did-postgres-1")
    exited = container(HOST, DATABASE, state="exited")
    assert planned(step, OFF, {**told, "containers": all_containers(OFF) + exited}) == ()


def test_its_place() -> None:
    """After .env, compose and the network, before the backend."""
    assert GUIDE.index(database) + 1 == GUIDE.index(containers)
    assert GUIDE.index(environment) < GUIDE.index(database)


def test_not_rolled() -> None:
    """The roll-out neither starts nor removes it."""
    assert drifted(containers, HOST, containers=without()) == []
    assert drifted(containers, HOST, containers=with_other(config="other")) == []


def test_directory() -> None:
    """Its own, closed to others; its owner is the image's affair. Without a database there is none."""
    found = fresh(directories, HOST)
    assert "create /opt/biometric-did/postgres (0700)" in whys(planned(directories, HOST, found))
    assert not any("postgres" in why for why in whys(planned(directories, OFF, found)))


def test_secrets_stay_out() -> None:
    """No change holds the password: the host reads it from .env."""
    for answers in (fresh(database, SUPPLIED), {**converged(database, SUPPLIED), "database": REFUSED}):
        assert "the-operators-own" not in repr(planned(database, SUPPLIED, answers))
