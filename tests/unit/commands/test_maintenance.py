"""`maintenance on|off`: facts in, one switch out, and what proves it."""

import json
from pathlib import Path

import pytest

from deployer.commands.maintenance import maintenance
from deployer.engine.changes import Gate, Note, Script, Stop
from deployer.engine.facts import Unknown
from deployer.engine.host_program import call
from deployer.engine.lock import LockOwner
from deployer.errors import UsageError
from deployer.site.compose import PROXY
from deployer.site.maintenance import Maintenance, described
from deployer.site.nginx import site_conf
from tests.support.fakes import SILENT, asked_here, inventory, planned, run_here, texts, whys
from tests.unit.steps.hosts import container

from .fakes import choices

HOST = inventory()
ON, OFF = (Maintenance(LockOwner("ada", "maintenance", "now"), on=on) for on in (True, False))
IS_ON = 'on\n{"who": "bob", "since": "then"}'
GOOD = {"switch": "", "supported": "supported", "containers": container(HOST, PROXY)}


def test_on(tmp_path: Path) -> None:
    """One file, readable by nginx, which says who and since when; proved by what the proxy answers, else undone."""
    host = HOST.model_copy(update={"root": tmp_path})
    act, gate = planned(ON, host, GOOD)
    assert isinstance(act, Script)
    (tmp_path / "nginx").mkdir()
    assert run_here(f"umask 077\n{act.script}").returncode == 0
    (file,) = (tmp_path / "nginx").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("maintenance", 0o644)
    assert described(f"on\n{file.read_text()}") == "on since now by ada"
    assert isinstance(gate, Gate)
    assert gate.script == call(host, "proxy", "maintenance", "on")
    assert run_here(act.undo).returncode == 0
    assert not file.exists()


def test_off() -> None:
    """The file goes; who had switched it on is said."""
    act, gate = planned(OFF, HOST, {**GOOD, "switch": IS_ON})
    assert isinstance(act, Script)
    assert act.script == "rm -f /opt/biometric-did/nginx/maintenance"
    assert act.why == "switch maintenance off (was on since then by bob)"
    assert isinstance(gate, Gate)
    assert gate.script == call(HOST, "proxy", "maintenance", "off")


@pytest.mark.parametrize(
    ("step", "switch", "said"),
    [(ON, IS_ON, "maintenance is on since then by bob"), (OFF, "", "maintenance is off")],
)
def test_nothing_to_do(step: Maintenance, switch: str, said: str) -> None:
    """Who switched it on first stays named."""
    found = planned(step, HOST, {**GOOD, "switch": switch})
    assert (whys(found), texts(found)) == ([], [said])


@pytest.mark.parametrize("switch", ["", IS_ON])
def test_a_proxy_that_does_not_look(switch: str) -> None:
    """Nobody is told that it is on where no visitor would see it; off is always possible."""
    with pytest.raises(Stop) as stopped:
        planned(ON, HOST, {**GOOD, "supported": "", "switch": switch})
    assert stopped.value.problems[0].remedy == "run `deployer provision --host web`"
    assert len(whys(planned(OFF, HOST, {**GOOD, "supported": "", "switch": IS_ON}))) == 1


@pytest.mark.parametrize("containers", ["", container(HOST, PROXY, state="exited")])
def test_no_proxy_runs(containers: str) -> None:
    """The switch is set for when it runs; nothing can be proved now, and that is said."""
    found = planned(ON, HOST, {**GOOD, "containers": containers})
    assert len(whys(found)) == 1
    assert [item for item in found if isinstance(item, Note)]


@pytest.mark.parametrize("key", list(GOOD))
def test_what_cannot_be_told(key: str) -> None:
    """It is not guessed."""
    with pytest.raises(Unknown):
        planned(ON, HOST, {**GOOD, key: SILENT})


def test_the_questions(tmp_path: Path) -> None:
    """Asked of this machine: the configuration that is written is known, an older one and none are not."""
    host = HOST.model_copy(update={"root": tmp_path})
    asked = {key: probe for key, probe in ON.probes(host).items() if key != "containers"}
    assert (asked_here(asked)["supported"], asked_here(asked)["switch"]) == ("", "")
    (tmp_path / "nginx/conf.d").mkdir(parents=True)
    site = Path(host.paths.site_conf)
    site.write_text("server {}\n")
    assert asked_here(asked)["supported"] == ""
    site.write_text(site_conf(host))
    Path(host.paths.maintenance).write_text(json.dumps({"who": "ada", "since": "now"}))
    assert asked_here(asked)["supported"] == "supported"
    assert described(asked_here(asked)["switch"]) == "on since now by ada"


@pytest.mark.parametrize("state", ["", "ON", "maybe", "on off"])
def test_a_usage_error(state: str) -> None:
    """Before any inventory is read."""
    with pytest.raises(UsageError, match="maintenance") as raised:
        maintenance(choices(state=state))
    assert raised.value.exit_code == 2
