"""From outside only SSH, 80 and 443 accept a connection: after provisioning, after Docker restarts, after a reboot."""

from dataclasses import replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.host import TestHost
from testbed.origin import Repository
from testbed.reach import open_ports
from tests.host.conftest import Boot
from tests.support.tool import Deployment, deployment

pytestmark = pytest.mark.in_turn


def test_only_three_ports_are_open_also_after_restarts(provisioned: Deployment) -> None:
    """All 65,535 TCP ports are tried; the firewall and Docker's rules survive, and the site serves again by itself."""
    wanted = frozenset({22, 80, 443})
    assert open_ports(provisioned.host.address) == wanted
    provisioned.host.exec("systemctl restart docker")
    assert open_ports(provisioned.host.address) == wanted
    provisioned.ok("verify")
    provisioned.reboot()
    provisioned.await_site()
    assert open_ports(provisioned.host.address) == wanted
    assert provisioned.ok("provision").recap["changed"] == 0


def test_ssh_on_another_port_is_never_locked_out(
    boot: Boot, bed: Bed, repository: Repository, half_way: str, tmp_path: Path
) -> None:
    """With sshd on 2222 it is 2222 that the firewall keeps open, and 22 stays closed."""
    host = moved(boot("port", from_snapshot=half_way), 2222)
    other = deployment(tmp_path / "inventory", host, bed, repository)
    other.ok("provision")
    assert open_ports(host.address) == {2222, 80, 443}
    assert other.ok("provision").recap["changed"] == 0


def moved(host: TestHost, port: int) -> TestHost:
    """The same host with its sshd on another port: there is no firewall yet."""
    host.exec(f"echo 'Port {port}' >>/etc/ssh/sshd_config.d/10-vendor.conf && systemctl restart ssh.service")
    there = replace(host, variant=replace(host.variant, ssh_port=port))
    there.wait_ready()
    return there
