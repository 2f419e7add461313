"""Versions as dpkg has them: reading its files costs less than running the program in question."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from deployer.remote import files
from deployer.remote.survey.surveyed import Surveyed, printed_by

PLUGINS = tuple(
    f"{directory}/docker/cli-plugins/docker-compose"
    for directory in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
"""Where Docker looks for it, in this order."""
PACKAGES = ("docker-compose-plugin", "docker-compose-v2", "docker-compose")
"""Docker's own, Ubuntu's, Debian's."""
DPKG = Path("/var/lib/dpkg")
UPSTREAM = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)")


def compose(host: Surveyed, words: Sequence[str]) -> str:
    """`compose SCRIPT`: the version of Docker Compose; empty without Docker. The script asks a plugin of no package."""
    if not shutil.which("docker"):
        return ""
    plugin = next((path for path in PLUGINS if os.access(path, os.X_OK)), "")
    version = next((found for name in PACKAGES if (found := _version(name, plugin))), "")
    return version or printed_by(words[0])


def _version(name: str, path: str) -> str:
    """The version, without the distribution's, of an installed package that has this file; else empty."""
    lines = files.read(DPKG / "info" / f"{name}.list").decode(errors="replace").split("\n")
    if not path or path not in lines:
        return ""
    status = files.read(DPKG / "status").decode(errors="replace")
    start = status.find(f"\nPackage: {name}\n")
    entry = status[start : status.find("\n\n", start + 1)].split("\n") if start >= 0 else []
    found = next((line.removeprefix("Version: ") for line in entry if line.startswith("Version: ")), "")
    numbers = UPSTREAM.match(found) if "Status: install ok installed" in entry else None
    return numbers[1] if numbers else ""
