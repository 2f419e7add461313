"""7.6 Firewall."""

import os
from pathlib import Path

import pytest

from deployer.engine.changes import Script, SecondLogin, Stop
from deployer.steps import firewall
from tests.support.fakes import asked_here, inventory, planned, script_of, whys

from .hosts import LIVE, RULES, converged, drifted, fresh

HOST = inventory()
ENABLE = "enable the firewall, for 120 s unless a second login succeeds"
LOGIN = "log in a second time, then keep the firewall on"


class TestSsh:
    @pytest.mark.parametrize(
        ("ports", "allowed"), [("22", ["22/tcp"]), ("2222", ["2222/tcp"]), ("22\n2222", ["22/tcp", "2222/tcp"])]
    )
    def test_allowed_first(self, ports: str, allowed: list[str]) -> None:
        """The server's own port, whatever its number, before anything else and before the firewall is on (F15)."""
        found = whys(planned(firewall, HOST, {**fresh(firewall, HOST), "ssh": ports}))
        assert found[: len(allowed)] == [f"allow {rule} through the firewall" for rule in allowed]
        assert found[-2:] == [ENABLE, LOGIN]

    def test_port_moved(self) -> None:
        """A port that the port of sshd could not be determined on now is allowed, too."""
        assert drifted(firewall, HOST, ssh="22\n2022") == ["allow 2022/tcp through the firewall"]

    def test_undo_is_armed_before(self) -> None:
        """The timed undo stands before the firewall is switched on; a second login takes it away."""
        *_, enable, login = planned(firewall, HOST, fresh(firewall, HOST))
        assert isinstance(enable, Script)
        assert isinstance(login, SecondLogin)
        assert enable.script.index("--on-active=120") < enable.script.index("ufw --force enable")
        assert enable.undo == "ufw --force disable"
        assert "systemctl stop deployer-biometric-did-firewall.timer" in login.script

    def test_unknown_port_is_a_stop(self) -> None:
        """Where no port of sshd's is found nothing is switched on: it could lock the operator out."""
        with pytest.raises(Stop, match="the port of sshd could not be determined"):
            planned(firewall, HOST, {**fresh(firewall, HOST), "ssh": ""})

    def test_login_was_never_proved(self) -> None:
        """A run that was broken off before the second login makes it now."""
        assert drifted(firewall, HOST, undo="active") == [LOGIN]


@pytest.mark.parametrize("port", [22, 80, 443])
def test_rule_is_missing(port: int) -> None:
    """It is added."""
    rules = "".join(line for line in RULES.splitlines(keepends=True) if f" {port} " not in line)
    assert drifted(firewall, HOST, rules=rules) == [f"allow {port}/tcp through the firewall"]


def test_rule_is_not_in_the_kernel() -> None:
    """Known to ufw but flushed from the kernel: it is added again."""
    live = LIVE.replace("-p tcp -m tcp --dport 80 -j ACCEPT\n", "")
    assert drifted(firewall, HOST, live=live) == ["allow 80/tcp through the firewall"]


def test_longer_port_is_another() -> None:
    """8080 is not 80, and 443/udp is not 443/tcp."""
    assert drifted(firewall, HOST, rules=RULES.replace(" 80 ", " 8080 ")) == ["allow 80/tcp through the firewall"]
    assert drifted(firewall, HOST, rules=RULES.replace("tcp 443", "udp 443")) == ["allow 443/tcp through the firewall"]


@pytest.mark.parametrize(
    ("rule", "known", "live"),
    [
        ("51820/udp", "allow udp 51820 0.0.0.0/0 any 0.0.0.0/0 in\n", "-p udp -m udp --dport 51820 -j ACCEPT\n"),
        ("53", "allow any 53 0.0.0.0/0 any 0.0.0.0/0 in\n", "-p tcp -m tcp --dport 53 -j ACCEPT\n"),
        (
            "6000:6100/tcp",
            "allow tcp 6000:6100 0.0.0.0/0 any 0.0.0.0/0 in\n",
            "-p tcp -m multiport --dports 6000:6100 -j ACCEPT\n",
        ),
    ],
)
def test_further_rules(rule: str, known: str, live: str) -> None:
    """The inventory's are added once."""
    host = inventory(firewall={"allow": [rule]})
    assert drifted(firewall, host) == [f"allow {rule} through the firewall"]
    assert drifted(firewall, host, rules=RULES + known, live=LIVE + live) == []


def test_further_rules_of_a_person_stay() -> None:
    """What is not ours is not removed."""
    assert drifted(firewall, HOST, rules=RULES + "allow tcp 9000 0.0.0.0/0 any 0.0.0.0/0 in\n") == []


@pytest.mark.parametrize("differing", [{"enabled": "no"}, {"live": ""}])
def test_off(differing: dict[str, str]) -> None:
    """Switched off, or on in its file only: enabled, with the undo and the second login."""
    assert drifted(firewall, HOST, **differing) == [ENABLE, LOGIN]


def test_open_by_default() -> None:
    """What is not allowed is denied."""
    assert drifted(firewall, HOST, policy='"ACCEPT"') == ["deny incoming connections by default"]
    assert drifted(firewall, HOST, policy='"REJECT"') == []


def test_not_at_boot() -> None:
    """It is enabled."""
    assert drifted(firewall, HOST, boot="disabled") == ["start the firewall at boot"]


def test_no_prompt() -> None:
    """Without a terminal ufw would say Aborted and exit 0 (F15)."""
    for change in planned(firewall, HOST, fresh(firewall, HOST)):
        assert "ufw enable" not in script_of(change)


def test_facts_are_those_asked() -> None:
    """The converged host answers what this step asks."""
    assert set(converged(firewall, HOST)) == set(firewall.probes(HOST))


@pytest.mark.parametrize(("state", "ports"), [("active", ("22", "2200", "2222")), ("inactive", ("22",))])
def test_ports_of_a_socket_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, ports: tuple[str, ...]
) -> None:
    """Those on which ssh.socket listens count while it is active, besides the configured one."""
    listening = "Listen=0.0.0.0:2222 (Stream)\\nListen=[::]:2200 (Stream)\\nListen=/run/x (Datagram)"
    for name, text in (
        ("sshd", "echo port 22"),
        ("ss", ""),
        ("systemctl", f"printf 'ActiveState={state}\\n{listening}\\n'"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert asked_here({"ssh": firewall.probes(inventory())["ssh"]}).lines("ssh") == ports
