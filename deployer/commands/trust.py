"""`trust`: show the host key's fingerprint, hop by hop, and pin the key once somebody has confirmed it."""

from deployer.access.host_key_trust import report, trust_host_keys
from deployer.inventory.model import Inventory
from deployer.output.report import ShownNote
from deployer.run.command import COMMON, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.hosts import ssh_settings
from deployer.transport.protocol import Transport
from deployer.transport.ssh import SshTransport


def trust(choices: Choices) -> int:
    return on_hosts(choices, _trust, _not_connected)


def _not_connected(host: Inventory, choices: Choices) -> Transport:
    """Nobody can log in before the key is trusted."""
    return SshTransport(ssh_settings(host, choices))


def _trust(run: HostRun) -> int:
    if run.host.is_local:
        report(run, "unchanged", note=ShownNote('ssh.address is "local": this machine has no host key to pin'))
    else:
        trust_host_keys(run)
    return 0


COMMAND = Command(
    trust,
    (
        *COMMON,
        Option(
            "fingerprint", "pin this key without asking: SHA256:…; with a gateway one for each hop, joined by commas"
        ),
    ),
    examples=("--host prod", "--host prod --fingerprint SHA256:2l1mZyNwgoiGnVWnDvLM1V3rB8xkLN3hXg3mUtz0Uco"),
)
