"""`invoke NAME …`: the tool's commands, and the tasks of its own development."""

from deployer.commands import commands
from deployer.frontends.invoke import collection

namespace = collection(commands())
