"""script/demo and script/test on a machine with only git and Python 3: no pip, no venv module, no Docker."""

import re
import subprocess
from pathlib import Path

import pytest

from testbed.host import TestHost
from tests.host.conftest import Boot

CHECKOUT = Path(__file__).parents[2]
DEMO_SECONDS = 1500
ONE_HOST_TEST = "test_fresh_host"
"""Of the host tests, inside: all of them would take an hour more and show nothing else about the set-up."""


def clone(host: TestHost, directory: str) -> None:
    """What is committed here, as a clone on the host."""
    bundle = subprocess.run(["git", "bundle", "create", "-", "HEAD"], cwd=CHECKOUT, capture_output=True, check=True)
    host.exec("apt-get -qq update && apt-get -qq install -y --no-install-recommends git python3", seconds=300)
    host.exec("cat >/root/deployer.bundle", stdin=bundle.stdout)
    host.exec(f"git clone --quiet /root/deployer.bundle {directory}")


@pytest.mark.bare
@pytest.mark.timeout(2 * DEMO_SECONDS)
def test_demo_from_nothing_to_a_served_site(boot: Boot) -> None:
    """One command installs what is missing, boots a host inside, provisions it, and prints a line that works."""
    machine = boot("bare")
    clone(machine, "/root/deployer")
    first = machine.exec("cd /root/deployer && script/demo 2>&1", check=False, seconds=DEMO_SECONDS)
    assert first.returncode == 0, first.stdout[-5000:]
    print(first.stdout[-2500:])
    curl = re.search(r"curl .*--resolve.*", first.stdout)
    assert curl, first.stdout[-3000:]
    page = machine.exec(f"apt-get -qq install -y curl >/dev/null; cd /root/deployer && {curl[0].strip()}").stdout
    assert "#style" in page, "the wallet's page"
    again = machine.exec("cd /root/deployer && script/demo 2>&1", check=False, seconds=DEMO_SECONDS)
    assert again.returncode == 0, again.stdout[-5000:]
    assert "changed: 0" in again.stdout


@pytest.mark.bare
@pytest.mark.timeout(2 * DEMO_SECONDS)
def test_suite_from_nothing(boot: Boot) -> None:
    """One command installs what is missing and runs style, types, all unit tests, and tests on hosts booted inside."""
    machine = boot("bare-suite")
    clone(machine, "/root/deployer")
    words = f"cd /root/deployer && script/test -k {ONE_HOST_TEST} 2>&1"
    ran = machine.exec(words, check=False, seconds=DEMO_SECONDS)
    print(ran.stdout[-2500:])
    assert ran.returncode == 0, ran.stdout[-5000:]
