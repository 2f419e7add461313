"""The guide, section by section: one file each, in the order in which a host is brought up."""

from deployer.engine.step import Step
from deployer.releases.latest_commit import AtLatestCommit
from deployer.steps import (
    backup,
    certificates,
    compose,
    containers,
    database,
    directories,
    docker_daemon,
    docker_engine,
    environment,
    firewall,
    host_program,
    images,
    latest_commit,
    network,
    nginx,
    offsite,
    packages,
    preflight,
    proxy_container,
    release,
    schedules,
    source,
)

GUIDE: tuple[Step, ...] = (
    preflight,
    packages,
    host_program,
    docker_engine,
    docker_daemon,
    network,
    source,
    directories,
    environment,
    compose,
    nginx,
    certificates,
    firewall,
    images,
    database,
    containers,
    backup,
    offsite,
    schedules,
    proxy_container,
)
"""The complete guide; the serving release stays at its commit."""

PREREQUISITES: tuple[Step, ...] = tuple(step for step in GUIDE if step not in (containers, proxy_container))
"""What a restore needs first: the guide without the application itself."""

UPDATE: tuple[Step, ...] = (
    host_program,
    latest_commit,
    AtLatestCommit(images),
    AtLatestCommit(release),
    backup,
    proxy_container,
)
"""10.1: the latest commit of the ref, built while the old release serves, then rolled out; backups follow it."""
