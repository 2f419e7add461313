"""3.3 Create the Docker network: one bridge, created here; Compose only uses it (F1)."""

import ipaddress

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_api
from deployer.text.shell import sh

TITLE = "3.3 Docker network"

_ABSENT = 'case $shown in *"not found"* | *"No such network"*) ;; *) echo "$shown" >&2; exit 3 ;; esac'


def probes(host: Inventory) -> Probes:
    shape = "{{.Driver}} {{range .IPAM.Config}}{{.Subnet}} {{.IPRange}} {{end}}"
    inspect = sh("docker", "network", "inspect", "--format", shape, host.network_name)
    return {
        "network": ask_api(
            host,
            "network",
            host.network_name,
            otherwise=f'shown=$({inspect} 2>&1) && echo "$shown" && exit\n{_ABSENT}',
        ),
        "routes": Ask("ip -4 -o route show | awk '$1 != \"default\" {print $1, $3}'"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    """The proxy has a fixed address in it, the only one that the application trusts, hence a subnet of our own."""
    present = facts["network"].split()
    if not present:
        _refuse_overlap(host, facts)
        yield Script(
            f"create the network {host.network_name} ({host.network.subnet})",
            _create(host),
            undo=sh("docker", "network", "rm", host.network_name),
        )
    elif present != ["bridge", host.network.subnet, dynamic_range(host)]:
        wanted = f"bridge {host.network.subnet} {dynamic_range(host)}"
        raise Stop(
            Note(
                f"the network {host.network_name} is {' '.join(present)}, not {wanted}",
                f"set network.subnet to the existing one, or run on the host: docker network rm {host.network_name}",
            )
        )


def dynamic_range(host: Inventory) -> str:
    """The upper half of the subnet: Docker assigns addresses from it, never the proxy's fixed one."""
    return str(list(ipaddress.ip_network(host.network.subnet).subnets())[1])


def _create(host: Inventory) -> str:
    ranges = ("--subnet", host.network.subnet, "--ip-range", dynamic_range(host))
    return sh("docker", "network", "create", "--driver", "bridge", *ranges, host.network_name)


def _refuse_overlap(host: Inventory, facts: Facts) -> None:
    ours = ipaddress.ip_network(host.network.subnet)
    for line in facts.lines("routes"):
        target, _, device = line.partition(" ")
        if ours.overlaps(ipaddress.ip_network(target, strict=False)):
            raise Stop(
                Note(
                    f"the subnet {ours} overlaps with the host's route to {target} ({device})",
                    "set network.subnet to a free private range",
                )
            )
