"""The operator's own Docker: is it there, and can it build?"""

import shutil
import subprocess

from deployer.errors import UsageError

OLDEST = 23
"""The first Docker whose BuildKit knows named build contexts without being asked to (Dockerfile frontend 1.4)."""

_LIMIT = 30


def check() -> None:
    """Raises UsageError where this machine cannot build."""
    for command in ("git", "bash", "docker"):
        if shutil.which(command) is None:
            raise _cannot(f"there is no {command} here")
    version = _asked("docker", "version", "--format", "{{.Server.Version}}")
    if not version:
        raise _cannot("Docker does not answer here (docker version)")
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < OLDEST:
        raise _cannot(f"Docker {version} is too old here, {OLDEST} is needed")
    if not _asked("docker", "buildx", "version"):
        raise _cannot("Docker has no buildx here (docker buildx version)")


def _asked(*words: str) -> str:
    """What a command prints; empty where it fails."""
    try:
        ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.decode(errors="replace").strip() if ran.returncode == 0 else ""


def _cannot(what: str) -> UsageError:
    remedy = 'install Docker with its buildx plug-in on this machine, or set [build] where = "host" or "registry"'
    return UsageError(f'[build] where = "operator", but {what}', remedy=remedy)
