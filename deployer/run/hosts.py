"""The hosts that the command line chooses, and their connections."""

import getpass
import sys
from pathlib import Path

from deployer.inventory import load
from deployer.inventory.model import Inventory
from deployer.run.command import Choices
from deployer.secret import Secret
from deployer.transport.local import LocalTransport
from deployer.transport.protocol import Transport
from deployer.transport.settings import SshSettings
from deployer.transport.ssh import SshTransport


def inventory_directory(choices: Choices) -> Path:
    """Where the inventory's files are. Raises InventoryError."""
    return load.directory(choices.text("inventory") or None, choices.environ, choices.directory)


def chosen_hosts(choices: Choices) -> tuple[Inventory, ...]:
    """The hosts a command is for: one, or the members of a group. Raises InventoryError."""
    directory = inventory_directory(choices)
    name = load.find(directory, choices.text("host") or None, choices.environ)
    return tuple(load.load(directory, member) for member in load.members(directory, name))


def ssh_settings(host: Inventory, choices: Choices) -> SshSettings:
    """How to connect; a password is asked for on a terminal only, and never with --yes."""
    given, stored = choices.environ.get("DEPLOYER_SUDO_PASSWORD"), host.secrets.get("DEPLOYER_SUDO_PASSWORD")
    return SshSettings(
        address=host.ssh.address,
        user=host.ssh.user,
        known_hosts=host.local_path(host.ssh.known_hosts),
        port=host.ssh.port,
        identity_file=host.local_path(host.ssh.identity_file) if host.ssh.identity_file else None,
        gateway=host.ssh.gateway or None,
        sudo_password=Secret(given) if given else stored,
        ask_password=_ask_password if sys.stdin.isatty() and not choices.flag("yes") else None,
        host_name=host.host_name,
    )


def connect(host: Inventory, choices: Choices) -> Transport:
    """A transport that connects in the background; a failure is raised by the first script."""
    settings = ssh_settings(host, choices)
    if host.is_local:
        return LocalTransport(host.host_name, settings.sudo_password, settings.ask_password)
    transport = SshTransport(settings)
    transport.connect_ahead()
    return transport


def _ask_password(prompt: str) -> Secret:
    return Secret(getpass.getpass(prompt))
