"""`python -m bench INVENTORY NAME`: the figures for a provisioned host."""

import sys
from pathlib import Path

from bench.noop import measure


def main() -> None:
    """Print one line for each round-trip time."""
    print("a run with nothing to do, against ssh with the same probes (medians of whole processes):")
    for figures in measure(Path(sys.argv[1]).resolve(), sys.argv[2]):
        print(figures)


if __name__ == "__main__":
    main()
