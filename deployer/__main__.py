"""`deployer …` and `python -m deployer …`: the click front end."""

from deployer.commands import COMMANDS
from deployer.frontends.click import group


def main() -> None:
    """Run the command line and end with its exit code."""
    group(COMMANDS)(prog_name="deployer")


if __name__ == "__main__":
    main()
