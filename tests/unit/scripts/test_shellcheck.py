"""Every script that reaches a host, as it is put together there, passes shellcheck; so does what cron runs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from deployer.backups.programs import backup_program
from deployer.engine.changes import Change, Gate, Note, OutsideCheck, Script, SecondLogin, Send, WriteFiles
from deployer.engine.facts import Ask
from deployer.engine.lock import LockOwner
from deployer.engine.plan import name_of
from deployer.engine.program import script
from deployer.engine.step import Step
from deployer.engine.survey import script_for
from deployer.inventory.model import Inventory
from deployer.releases.rollback import Rollback
from deployer.site.compose import PROXY
from deployer.steps import GUIDE, UPDATE, database, environment, proxy_container
from tests.support.fakes import inventory, planned
from tests.unit.steps.hosts import Answers, behind, container, converged, env, fresh, kept, recorded

PACKAGE = Path(__file__).parents[3] / "deployer"
SHELLCHECK = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")

LEFT_OUT = {
    "SC2016": "what stands in single quotes is often meant for another program: docker's templates, sh -c",
    "SC2043": "a list of one directory is a list",
    "SC2046": "`echo name=$(command)` prints one line",
    "SC2086": "lists of container names, which hold nothing that is split or expanded, are words on purpose",
    "SC2153": "NAME and FILE are parameters, not misspelt",
    "SC2154": "a part is checked without the parameters in front of it",
    "SC2248": "a number needs no quotes",
    "SC2249": "a case that lists what it handles leaves out the rest on purpose",
    "SC2250": "$name is shorter than ${name}, and means the same",
    "SC2292": "[ ] is enough where nothing is matched",
    "SC2312": "a command whose failure gives an empty text: each place treats that as no answer",
}
pytestmark = pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not here")


def complaints(directory: Path, texts: Mapping[str, str]) -> dict[str, list[str]]:
    """What shellcheck says of each script, by its name: one process for all."""
    names = {f"{number}.sh": name for number, name in enumerate(texts)}
    for file, name in names.items():
        (directory / file).write_text(texts[name])
    words = [
        str(SHELLCHECK),
        "--shell",
        "bash",
        "--severity",
        "style",
        "--enable",
        "all",
        "--exclude",
        ",".join(LEFT_OUT),
    ]
    ran = subprocess.run(
        [*words, "--format", "gcc", *names], cwd=directory, text=True, capture_output=True, check=False
    )
    assert ran.returncode in (0, 1), ran.stderr
    found: dict[str, list[str]] = {}
    for line in ran.stdout.splitlines():
        file, _, complaint = line.partition(":")
        found.setdefault(names[file], []).append(complaint)
    return found


def of_steps() -> Iterator[tuple[str, str]]:
    other = inventory(tls={"mode": "self-signed"}, docker={"packages": "distribution"}, build={"where": "operator"})
    copied = inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "/mnt/offsite"})
    pulled = inventory(build={"where": "registry"}, backend={"image": "x"}, wallet={"image": "y:1"})
    stored = inventory(postgres={"enabled": True})
    for host in (inventory(), other, copied, pulled, stored):
        for step, answers in acting(host):
            for key, probe in step.probes(host).items():
                if isinstance(probe, Ask):
                    yield f"{name_of(step)} asks: {key}", probe.script
            for change in planned(step, host, answers):
                for number, text in enumerate(texts(change)):
                    assert not isinstance(change, Note)
                    yield f"{name_of(step)}: {change.why}{' (its way back)' * number}", text


def acting(host: Inventory) -> Iterator[tuple[Step, Answers]]:
    """Steps with answers after which they have something to do."""
    for step in GUIDE:
        yield step, fresh(step, host)
    for step in UPDATE:
        yield step, behind(step, host)
    yield proxy_container, {"containers": container(host, PROXY, config="0000")}
    if host.postgres.enabled:
        yield database, {**converged(database, host), "database": ""}
        yield environment, {"env": env(host).replace("DB_POOL_SIZE=20", "DB_POOL_SIZE=2")}
    former = recorded(host, id="former")
    yield Rollback("former"), {"log": former + recorded(host), "kept": kept(host, "former"), "env": ""}


def texts(change: Change | Note) -> list[str]:
    found: list[str] = []
    match change:
        case OutsideCheck():
            found = [change.undo]
        case Script():
            found = [change.script, change.undo]
        case WriteFiles():
            found = [change.check]
        case Gate():
            found = [change.script, change.explain]
        case SecondLogin():
            found = [change.script]
        case Send():
            found = []
    return found


def of_machine(host: Inventory) -> Iterator[tuple[str, str]]:
    owner = LockOwner("ada", "provision", "now")
    survey = script_for(tuple(probe for probe in GUIDE[0].probes(host).values() if isinstance(probe, Ask)))
    session = script("engine/session.sh", NAME=host.name, ROOT=str(host.root), OWNER=str(asdict(owner)), WAIT=0)
    yield "session", f"survey() {{\n{survey}\n}}\n{session}"
    yield "follow", script("engine/follow.sh", work="/run/deployer/x/1")
    yield "runner", script("engine/mask.sh") + script("engine/runner.sh")
    offsite = inventory({"RESTIC_PASSWORD": "p"}, backup={"offsite": "/mnt/offsite"})
    yield "backup with copies", backup_program(offsite).content.decode()


COMPOSED = {name: text for name, text in (*of_steps(), *of_machine(inventory())) if text}


def test_composed(tmp_path: Path) -> None:
    """Each script with one host's parameters."""
    assert len(COMPOSED) > 100
    assert complaints(tmp_path, COMPOSED) == {}


def test_parts(tmp_path: Path) -> None:
    """Each part as it lies in the repository."""
    assert complaints(tmp_path, {path.name: path.read_text() for path in PACKAGE.rglob("*.sh")}) == {}


def test_every_part_says_what_it_needs() -> None:
    """The first line of each is a comment."""
    assert [path.name for path in PACKAGE.rglob("*.sh") if not path.read_text().startswith("# ")] == []


def test_values_are_quoted() -> None:
    """A parameter reaches the script as one word, whatever it holds."""
    wanted = 'it\'s $(id) "x" `id`\n;'
    ran = subprocess.run(
        ["bash", "-c", script("engine/mask.sh", VALUE=wanted) + '\nprintf %s "$VALUE"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == wanted
