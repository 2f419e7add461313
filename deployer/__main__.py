"""`deployer …` and `python -m deployer …`: the click front end."""

from deployer.frontends.click import Commands


def main() -> None:
    """Run the command line and end with its exit code."""
    Commands()(prog_name="deployer")


if __name__ == "__main__":
    main()
