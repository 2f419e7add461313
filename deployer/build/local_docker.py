"""Whether the operator's own Docker is available and can build."""

import shutil
import subprocess

from deployer.errors import UsageError

OLDEST = 23
"""The first Docker whose BuildKit knows named build contexts by default (Dockerfile frontend 1.4)."""

_LIMIT = 30


def check() -> None:
    """Raises UsageError where this machine cannot build."""
    for command in ("git", "tar", "docker"):
        if shutil.which(command) is None:
            raise _cannot(f"{command} is not installed on this machine")
    version = _output_of("docker", "version", "--format", "{{.Server.Version}}")
    if not version:
        raise _cannot("Docker does not answer on this machine (docker version)")
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < OLDEST:
        raise _cannot(f"Docker {version} on this machine is too old; {OLDEST} is required")
    if not _output_of("docker", "buildx", "version"):
        raise _cannot("Docker on this machine has no buildx (docker buildx version)")


def _output_of(*words: str) -> str:
    """The output of a command; empty where it fails."""
    try:
        ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.decode(errors="replace").strip() if ran.returncode == 0 else ""


def _cannot(what: str) -> UsageError:
    remedy = 'install Docker with its buildx plug-in on this machine, or set [build] where = "host" or "registry"'
    return UsageError(f'[build] where = "operator", but {what}', remedy=remedy)
