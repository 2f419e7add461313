"""`python -m bench`: figures of a throwaway host that it boots and provisions; `… INVENTORY NAME`: of that one."""

import sys
import tempfile
from pathlib import Path

from bench import backup, survey
from bench.noop import measure


def main() -> None:
    """Print one line for each round-trip time."""
    if len(sys.argv) == 3:
        show(Path(sys.argv[1]).resolve(), sys.argv[2])
    else:
        _on_a_throwaway_host()


def show(inventory: Path, name: str) -> None:
    print("a run with nothing to do, against ssh with the same probes (medians of whole processes):")
    for figures in measure(inventory, name):
        print(figures)
    survey.show(inventory, name)


def _on_a_throwaway_host() -> None:
    from testbed.bed import prepare
    from testbed.origin import publish
    from tests.support.tool import booted, deployment

    bed = prepare()
    application = publish("bench", Path(__file__).parents[1] / "testbed" / "application")
    with tempfile.TemporaryDirectory() as directory, booted(bed, "bench") as host:
        ready = deployment(Path(directory), host, bed, application)
        first = ready.ok("provision").recap
        print(f"cold: {first['seconds']} s, {first['round_trips']} round trips")
        show(ready.inventory, ready.name)
        print("a backup, against tar | zstd of the same files (medians):")
        backup.measure(ready, Path(directory))


if __name__ == "__main__":
    main()
