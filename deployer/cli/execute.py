"""From parsed options to an exit code: what both front ends do alike."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import DeployerError
from deployer.run.command import Choices, Command

Value = bool | int | str | None


def execute(command: Command, values: Mapping[str, Value]) -> int:
    """Run a command. The errors that no host's run has caught (usage, inventory) become a message here."""
    choices = Choices(dict(values), dict(os.environ), Path.cwd())
    try:
        return command.run(choices)
    except DeployerError as error:
        from deployer.run.host_run import refuse  # only where something is to be said

        return refuse(choices, error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
