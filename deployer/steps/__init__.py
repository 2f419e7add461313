"""The guide, section by section: one file each, in the order in which a host is brought up."""

from deployer.engine.step import Step
from deployer.releases import latest_commit as newest
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
    images,
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
"""All of the guide that makes a host; the release that serves stays at its commit."""

PREREQUISITES: tuple[Step, ...] = tuple(step for step in GUIDE if step not in (containers, proxy_container))
"""What a backup is put in place upon: all of the guide but the application itself."""

UPDATE: tuple[Step, ...] = (
    newest,
    newest.AtLatestCommit(images),
    newest.AtLatestCommit(release),
    backup,
    proxy_container,
)
"""10.1: the ref's newest commit, built while the old release serves, then brought up beside it; backups follow it."""
