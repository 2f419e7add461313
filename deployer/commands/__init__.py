"""What a person can ask for: one file for each command, and the list of them all."""

from deployer.commands import provision, verify
from deployer.commands.command import Command

COMMANDS: tuple[Command, ...] = (provision.COMMAND, verify.COMMAND)
