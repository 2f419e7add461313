"""What is kept of a release below releases/ID, to go back to it: configuration, services, the wallet's files.

Secrets are not kept: going back leaves today's.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from deployer.remote import files, output, proxy
from deployer.remote.docker import BACKEND
from deployer.remote.environment.verbs import environment
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import run
from deployer.remote.release import assets, log
from deployer.remote.release.owners import give_directories
from deployer.remote.release.running import succeeded
from deployer.remote.release.service import Service, parsed
from deployer.remote.release.target import Target

MODE, SECRET_MODE = 0o644, 0o600
GIT_SECONDS = 120.0
REMOVE_SECONDS = 300.0
IMAGES = ("backend", "wallet")
"""Kinds of images of the deployment: NAME-KIND."""


def directory(host: Host) -> Path:
    return host.config.state / "releases"


def configuration(host: Host) -> dict[str, Path]:
    """The files of the configuration, by their names in a kept release."""
    compose, site = host.config.root_directory / "docker-compose.yml", f"{host.config.name}.conf"
    return {
        compose.name: compose,
        "nginx.conf": host.config.nginx / "nginx.conf",
        site: host.config.nginx / "conf.d" / site,
    }


def services(host: Host, release: str) -> tuple[Service, ...]:
    """Of a kept release; none where it is not kept."""
    return parsed(files.read(directory(host) / release / "services").decode()) if release else ()


def record(host: Host, target: Target) -> None:
    """Complete what assets.keep began, and remove the releases that are not kept any more."""
    release, staged = log.new_id(target), assets.staged(host)
    for name, path in configuration(host).items():
        files.write(staged / name, files.read(path), MODE)
    lines = "\n".join(service.line for service in target.services)
    files.write(staged / "environment", ("\n".join(target.environment) + "\n").encode(), SECRET_MODE)
    files.write(staged / "services", f"{lines}\n".encode(), MODE)
    files.write(staged / "release.json", log.line(host, target, release, "deployed"), MODE)  # see history.py
    _check_out(host, target)
    staged.rename(directory(host) / release)
    files.sync_directory(directory(host))
    log.append(host, target, release, "deployed")
    output.say(f"release {release}")
    try:
        prune(host, (*target.keep, release))
    except (Failure, OSError) as error:
        output.say(f"older releases could not be removed; the next release tries again: {error}")


def record_restored(host: Host, target: Target, release: str) -> None:
    """A kept release serves again."""
    assets.forget_staged(host)
    _check_out(host, target)
    log.append(host, target, release, "restored")


def restore(host: Host, release: str) -> None:
    """Configuration and environment of a kept release, and its images as the current ones. Raises Failure."""
    source = directory(host) / release
    if not release or not source.is_dir():
        return
    environment(host, ("restore", str(source / "environment")))
    changed = [name for name, path in configuration(host).items() if _put(source / name, path)]
    for service in services(host, release):
        succeeded(host.docker("tag", service.image, f"{service.repository}:current"))
        if service.name == BACKEND:
            give_directories(host, service.image, ask=False)
    if any(name != "docker-compose.yml" for name in changed):
        proxy.reload(host)


def _put(source: Path, target: Path) -> bool:
    """Whether the file had to be written."""
    content = files.read(source)
    if content == files.read(target):
        return False
    try:
        files.write(target, content, MODE)
    except Failure:
        files.link(source, target)  # the disk may be full, which is why there is a way back at all
    return True


def _check_out(host: Host, target: Target) -> None:
    """For people who look into the clone: builds use the commit, whatever is checked out."""
    clone = str(host.config.source)
    words = ("checkout", "--quiet", "--force", "--detach", target.commit)
    if not run("git", "-c", "safe.directory=*", "-C", clone, *words, limit=GIT_SECONDS).succeeded:
        output.say(f"the clone could not check out {target.commit}; it stays where it is")


def prune(host: Host, kept: tuple[str, ...]) -> None:
    """All releases but these; images that none of them needs; wallet files that none of them holds."""
    for path in list(_releases(host)):
        if path.name not in kept:
            shutil.rmtree(path)
    _prune_images(host)
    assets.prune(host, directory(host))


def _releases(host: Host) -> Iterator[Path]:
    """The directories of kept releases; what begins with a dot is being made."""
    with os.scandir(directory(host)) as entries:
        yield from (Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != ".")


def _prune_images(host: Host) -> None:
    wanted = {service.image for path in _releases(host) for service in services(host, path.name)}
    filters = (f"--filter=reference={host.config.name}-{kind}:*" for kind in IMAGES)
    listed = succeeded(host.docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", *filters)).text.split()
    unused = [name for name in listed if name not in wanted and not name.endswith(":current")]
    if unused:
        succeeded(host.docker("rmi", *unused, limit=REMOVE_SECONDS))
    succeeded(host.docker("image", "prune", "--force", "--filter=label=deployer.inputs", limit=REMOVE_SECONDS))
