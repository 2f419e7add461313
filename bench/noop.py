"""A run with nothing to do, compared with `ssh HOST sudo bash -s < script` that runs the very same probes.

Whole processes, taken in turns so that a busy moment meets both; the median of each and their ratio are printed.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.delay import delayed
from deployer.engine.plan import asked_of_host
from deployer.engine.survey import script_for
from deployer.inventory import load
from deployer.steps import GUIDE

ROUND_TRIPS = (0.0, 0.1)
REPEATS = 7


@dataclass(frozen=True)
class Figures:
    """Medians in seconds for one round-trip time."""

    round_trip: float
    deployer: float
    ssh: float
    verify: float

    def __str__(self) -> str:
        return (
            f"{self.round_trip * 1000:4.0f} ms   deployer {self.deployer:.3f} s   ssh {self.ssh:.3f} s   "
            f"ratio {self.deployer / self.ssh:.2f}   verify {self.verify:.3f} s"
        )


def measure(inventory: Path, name: str, repeats: int = REPEATS) -> list[Figures]:
    """Given a provisioned host's inventory, measure at each round-trip time."""
    return [_at(inventory, name, round_trip, repeats) for round_trip in ROUND_TRIPS]


def _at(inventory: Path, name: str, round_trip: float, repeats: int) -> Figures:
    host = load.load(inventory, name)
    with delayed(host.ssh.address, host.ssh.port, round_trip) as port:
        proxied = _through_proxy(inventory, name, port)
        script = script_for(asked_of_host(host, GUIDE)).encode()
        provision = _tool(proxied, name, "provision", "--no-verify")
        ssh = ssh_command(host.ssh.user, host.ssh.identity_file, "127.0.0.1", port, proxied)
        pairs = [(_timed(provision), _timed(ssh, script)) for _ in range(repeats)]
        verify = _timed(_tool(proxied, name, "verify"), check=False)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Figures(round_trip, ours, theirs, verify)


def _tool(inventory: Path, name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "deployer", *words, "--json", "--inventory", str(inventory), "--host", name]


def _timed(command: list[str], stdin: bytes = b"", *, check: bool = True) -> float:
    """As where the tool is installed: Python keeps what it has compiled, even if the environment forbids it here."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    subprocess.run(command, input=stdin, capture_output=True, check=check, timeout=120, env=environment)
    return time.monotonic() - began


def ssh_command(user: str, identity: str, address: str, port: int, inventory: Path) -> list[str]:
    """OpenSSH's client, which runs a script from standard input as root."""
    options = (
        f"UserKnownHostsFile={inventory / 'known_hosts'}",
        "BatchMode=yes",
        "ControlMaster=no",
        "ControlPath=none",
    )
    words = [word for option in options for word in ("-o", option)]
    return ["ssh", "-F", "none", "-i", identity, "-p", str(port), *words, f"{user}@{address}", "sudo bash -s"]


def _through_proxy(inventory: Path, name: str, port: int) -> Path:
    """The same inventory, with SSH through the delaying proxy; the site is still reached directly."""
    host = load.load(inventory, name)
    proxied = inventory / f"port-{port}"
    proxied.mkdir(exist_ok=True)
    text = (inventory / f"{name}.toml").read_text()
    text = text.replace(
        f'address = "{host.ssh.address}"\nport = {host.ssh.port}', f'address = "127.0.0.1"\nport = {port}', 1
    )
    text = text.replace("[site]\n", f'[site]\naddress = "{host.ssh.address}"\n', 1)
    (proxied / f"{name}.toml").write_text(text)
    pinned = (inventory / "known_hosts").read_text().split(maxsplit=1)[1]
    (proxied / "known_hosts").write_text(f"[127.0.0.1]:{port} {pinned}")
    return proxied
