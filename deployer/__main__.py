"""`deployer …` and `python -m deployer …`: the click front end."""

import gc

# A command is short: with Python's own threshold of 700 the collector takes an eighth of the time of its imports.
gc.set_threshold(100_000)

from deployer.cli.click import Commands  # noqa: E402  # after the line above


def main() -> None:
    """Run the command line and end with its exit code."""
    Commands()(prog_name="deployer")


if __name__ == "__main__":
    main()
