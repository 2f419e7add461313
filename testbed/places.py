"""Where the bed keeps things, and the names by which its containers are known again."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
RECIPES = Path(__file__).resolve().parent / "recipes"
REPOSITORY = "deployer-testbed"
"""First part of the names of all images of the bed."""

CHECKOUT_ID = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]
HOST_PREFIX = f"bed-{CHECKOUT_ID}-"
"""Hosts are named per checkout, so that two suites can run at once."""

HOST_KEY = "deployer.testbed.host"
HOST_LABEL = f"{HOST_KEY}={CHECKOUT_ID}"
SERVICE_LABEL = "deployer.testbed.service"
RECIPE_LABEL = "deployer.testbed.recipe"


def cache_directory() -> Path:
    """What outlives a run and may be thrown away: keys, the registry's images, apt packages, logs."""
    chosen = os.environ.get("DEPLOYER_TESTBED_CACHE", "")
    path = Path(chosen) if chosen else Path.home() / ".cache" / "deployer-testbed"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Only one process of this machine at a time does what stands inside (images, services, the engine)."""
    with (cache_directory() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest_of(*parts: bytes | str) -> str:
    """A short name for content: the same parts always give the same twelve letters."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()[:12]
