"""x"""
from deployer.commands.command import Command
COMMAND = Command("demo", "x", lambda c: 0)
