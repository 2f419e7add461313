"""Roll-outs with real servers: what serves afterwards, whatever goes wrong."""

import json
import os
import re
import signal
import socket
from dataclasses import replace

import pytest

from deployer.remote import output, signals
from deployer.remote.config import Hooks
from deployer.remote.failure import FAILED, GATE_FAILED, ROLLBACK_FAILED, Failure
from deployer.remote.host import Host
from deployer.remote.release import assets, health, log, rollout, way_back
from tests.unit.remote.release.conftest import Deployed, target
from tests.unit.remote.release.site import PORT

BOTH = ("backend-api", "demo-wallet")


def old(deployed: Deployed) -> list[str]:
    name = deployed.host.config.name
    return [f"{name}-backend-api-1", f"{name}-demo-wallet-1"]


def hooked(deployed: Deployed, **hooks: list[str]) -> Host:
    settings = deployed.host.config
    made = Hooks(*(hooks.get(name, []) for name in ("before_switch", "after_switch", "on_failure")))
    return Host(replace(settings, release=replace(settings.release, hooks=made)), deployed.site)


def last_record(deployed: Deployed) -> dict[str, object]:
    lines = (deployed.host.config.state / "releases.jsonl").read_text().splitlines()
    found: dict[str, object] = json.loads(lines[-1])
    return found


def test_new_ones_serve(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Alongside the old ones until these are ended; the parts are reported in their order."""
    rollout.roll(deployed.host, target(), BOTH)
    assert not set(deployed.serves()) & set(old(deployed))
    assert len(deployed.site.containers) == 4
    rollout.finish(deployed.host, target().services)
    assert sorted(deployed.site.containers) == deployed.serves()
    parts = [line.split()[1] for line in capsys.readouterr().out.split("\n") if line.startswith(output.MARK)]
    assert parts == ["start", "health", "settle", "switch", "drain", "stop"]


def test_one_service(deployed: Deployed) -> None:
    """The other one is left alone."""
    rollout.roll(deployed.host, target(), ("demo-wallet",))
    backend, wallet = old(deployed)
    assert backend in deployed.serves()
    assert wallet not in deployed.serves()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (503, r"is not healthy after 2 s: it answers 503 to /health"),
        (307, r"is not healthy: it answers 307 to /health \(to /ready/\), and 200 is wanted"),
        (404, r"is not healthy: it answers 404 to /health, and 200 is wanted"),
        (0, r"is not healthy after 2 s: it does not answer on port \d+"),
    ],
)
def test_never_healthy(answers: int, said: str, deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """The status that was seen is named; the old ones serve, the new ones are gone, the refusal is recorded."""
    deployed.site.behaviour = {"app-backend:2": answers}
    with pytest.raises(Failure) as failure:
        rollout.roll(deployed.host, target(), BOTH)
    assert failure.value.exit_code == GATE_FAILED
    assert deployed.serves() == old(deployed) == sorted(deployed.site.containers)
    assert (last_record(deployed)["result"], last_record(deployed)["why"]) == ("failed", "the health gate failed")
    assert not assets.staged(deployed.host).exists()
    assert re.search(said, capsys.readouterr().out)


def test_listens_on_loopback_only(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """An application that no visitor could reach is refused at once, and told what is wrong with it."""
    deployed.site.behaviour = {"app-backend:2": 0}
    for server in deployed.site.servers:
        server.shutdown()
        server.server_close()
    deployed.site.servers.clear()
    with socket.create_server(("127.0.0.1", PORT)), pytest.raises(Failure):
        rollout.roll(deployed.host, target(), ("backend-api",))
    assert f"listens on 127.0.0.1:{PORT} only, not on the container's address" in capsys.readouterr().out


def test_it_ends_while_it_settles(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """One that was healthy once is not enough."""
    deployed.site.ends = {"app-backend:2"}
    with pytest.raises(Failure) as failure:
        rollout.roll(deployed.host, target(), BOTH)
    assert failure.value.exit_code == GATE_FAILED
    assert "ended within 1 s. The last lines of its log:" in capsys.readouterr().out
    assert deployed.serves() == old(deployed)


def test_the_first_release(deployed: Deployed) -> None:
    """Nothing served before: exit code 1, and nothing is left."""
    for name in old(deployed):
        del deployed.site.containers[name]
    deployed.site.behaviour = {"app-wallet:2": 500}
    with pytest.raises(Failure) as failure:
        rollout.roll(deployed.host, target(), BOTH)
    assert (failure.value.exit_code, deployed.site.containers) == (FAILED, {})


@pytest.mark.parametrize("fails", ["compose", "start"])
def test_docker_refuses(fails: str, deployed: Deployed) -> None:
    """What was made is removed, the old ones serve."""
    deployed.site.fails = (fails,)
    with pytest.raises(Failure) as failure:
        rollout.roll(deployed.host, target(), BOTH)
    assert failure.value.exit_code == GATE_FAILED
    assert deployed.serves() == old(deployed) == sorted(deployed.site.containers)


def test_interrupted(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal before the switch: the new ones go, and that is what is recorded."""
    signals.end_on_signals()
    monkeypatch.setattr(health, "settle", lambda host, names: os.kill(os.getpid(), signal.SIGTERM))
    try:
        with pytest.raises(Failure) as failure:
            rollout.roll(deployed.host, target(), BOTH)
    finally:
        for number in signals.ENDING:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    assert failure.value.exit_code == GATE_FAILED
    assert last_record(deployed)["why"] == "it was interrupted"
    assert deployed.serves() == old(deployed) == sorted(deployed.site.containers)


class TestOneAtATime:
    """overlap = false: the old one is stopped first."""

    def test_replaced(self, deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
        """Never are there two, and the time in which nobody served is reported."""
        rollout.roll(deployed.host, target(overlap=False), BOTH)
        assert f"{output.MARK}part gap " in capsys.readouterr().out
        (new,) = deployed.site.running("backend-api")
        assert new in deployed.serves()
        stop, start = (
            next(index for index, words in enumerate(deployed.site.calls) if words[0] == action and name in words)
            for action, name in (("stop", old(deployed)[0]), ("start", new))
        )
        assert stop < start

    def test_refused(self, deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
        """The old one is started again, and the gap is reported."""
        deployed.site.behaviour = {"app-backend:2": 500}
        with pytest.raises(Failure) as failure:
            rollout.roll(deployed.host, target(overlap=False), BOTH)
        assert failure.value.exit_code == GATE_FAILED
        assert deployed.site.running("backend-api") == old(deployed)[:1]
        assert "\x1epart gap" in capsys.readouterr().out

    def test_left_stopped_by_an_earlier_run(self, deployed: Deployed) -> None:
        """What the proxy names serves again before anything is done."""
        deployed.site("stop", old(deployed)[0])
        rollout.remove_leftovers(deployed.host, target(overlap=False).services)
        assert deployed.site.running("backend-api") == old(deployed)[:1]


class TestHooks:
    def test_where_they_run(self, deployed: Deployed) -> None:
        """By their words in the new backend's container: no shell is needed in it."""
        host = hooked(deployed, before_switch=["migrate", "a b"], after_switch=["warm"])
        rollout.roll(host, target(), BOTH)
        (new,) = set(deployed.site.running("backend-api")) - set(old(deployed))
        called = [words for words in deployed.site.calls if words[0] == "exec"]
        assert called == [("exec", new, "migrate", "a b"), ("exec", new, "warm")]

    @pytest.mark.parametrize("hook", ["before_switch", "after_switch"])
    def test_one_that_fails(self, hook: str, deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
        """The old ones serve, on_failure has run, and what failed is recorded."""
        deployed.site.fails = tuple(f"exec {deployed.host.config.name}-backend-api-{n} bad" for n in range(9))
        host = hooked(deployed, **{hook: ["bad"], "on_failure": ["clean"]})
        with pytest.raises(Failure) as failure:
            rollout.roll(host, target(), BOTH)
        assert failure.value.exit_code == GATE_FAILED
        assert deployed.serves() == old(deployed) == sorted(deployed.site.containers)
        assert last_record(deployed)["why"] == f"the hook {hook} failed"
        assert any(words[0] == "exec" and words[-1] == "clean" for words in deployed.site.calls)
        assert f"hook {hook} failed with exit code 1" in capsys.readouterr().out


class TestWayBack:
    def test_after_the_switch(self, deployed: Deployed) -> None:
        """Seen from outside the site got worse: the old ones, which still run, serve; exit code 4."""
        rollout.roll(deployed.host, target(), BOTH)
        with pytest.raises(Failure) as failure:
            way_back.go_back(deployed.host, target(), "the site got worse")
        assert failure.value.exit_code == GATE_FAILED
        assert deployed.serves() == old(deployed) == sorted(deployed.site.containers)
        assert last_record(deployed)["why"] == "the site got worse"

    def test_nothing_to_go_back_to(self, deployed: Deployed) -> None:
        """Exit code 5: manual intervention is required."""
        with pytest.raises(Failure, match="there is no previous release") as failure:
            way_back.go_back(deployed.host, target("1"), "it got worse")
        assert failure.value.exit_code == ROLLBACK_FAILED

    def test_the_old_one_does_not_start(self, deployed: Deployed) -> None:
        """Exit code 5."""
        rollout.roll(deployed.host, target(), BOTH)
        deployed.site.fails = ("start",)
        with pytest.raises(Failure, match="the rollback failed") as failure:
            way_back.go_back(deployed.host, target(), "it got worse")
        assert failure.value.exit_code == ROLLBACK_FAILED


@pytest.mark.parametrize("rolled", BOTH)
@pytest.mark.parametrize("status", ["running", "exited", "created"])
def test_left_overs_of_every_service(
    rolled: str, status: str, deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of one that is not rolled: the way back would take a container that nobody names for a former one."""
    for service, image in zip(BOTH, ("app-backend:0", "app-wallet:0"), strict=True):
        deployed.site.add(service, image, 200).status = status
    rollout.roll(deployed.host, target(), (rolled,))
    assert not [name for name in deployed.site.containers if name.endswith("-200")]
    assert "removing containers that an earlier run left: " in capsys.readouterr().out


def test_visitors_never_got_it(deployed: Deployed) -> None:
    """A first release that is broken is not recorded as serving, so that an equally broken one is refused as well."""
    deployed.site.containers.clear()
    (deployed.host.config.state / "releases.jsonl").unlink()
    deployed.site.behaviour = {"app-backend:2": 502, "app-backend:3": 502}
    for version in ("2", "3"):
        with pytest.raises(Failure) as failure:
            rollout.roll(deployed.host, target(version), BOTH)
        assert failure.value.exit_code == FAILED
        assert (last_record(deployed)["result"], log.current(deployed.host)) == ("failed", "")
        assert deployed.site.containers == {}
