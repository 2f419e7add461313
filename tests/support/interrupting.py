"""A run that is to be interrupted: reached through a line that can be cut, at a moment that is awaited."""

import subprocess
from dataclasses import replace

from tests.support.cutting import Cutting
from tests.support.tool import Deployment

LOCK = "/run/deployer/biometric-did.lock"
REACHED_SECONDS = 180
"""Until a point of the run is reached: the slowest comes after two image builds."""


def through(line: Cutting, direct: Deployment) -> Deployment:
    """The same host, reached through a line that can be cut: an inventory beside the other."""
    host = direct.host
    text = (direct.inventory / "web.toml").read_text()
    straight = f'address = "{host.address}"\nport = {host.port}'
    assert straight in text
    text = text.replace(straight, f'address = "127.0.0.1"\nport = {line.port}')
    other = direct.inventory.with_name("through")
    other.mkdir()
    (other / "web.toml").write_text(text.replace("[site]\n", f'[site]\naddress = "{host.address}"\n'))
    (other / "known_hosts").write_text(f"[127.0.0.1]:{line.port} {host.host_key}\n")
    return replace(direct, inventory=other)


def await_point(deployed: Deployment, run: "subprocess.Popen[str]", holds: str) -> None:
    """Until it holds on the host; the tool still works then."""
    waiting = f"timeout {REACHED_SECONDS} bash -c {quoted(f'until {holds}; do sleep 0.05; done')} >/dev/null 2>&1"
    reached = deployed.host.exec(waiting, check=False, seconds=REACHED_SECONDS + 30)
    if reached.returncode != 0 or run.poll() is not None:
        run.kill()
        raise AssertionError(f"not reached: {holds}\n{run.communicate()}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
