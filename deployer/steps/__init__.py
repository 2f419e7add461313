"""The guide, section by section: one file each, in the order in which a host is brought up."""

from deployer.step import Step
from deployer.steps import (
    certificates,
    compose,
    containers,
    directories,
    docker_daemon,
    docker_engine,
    environment,
    firewall,
    images,
    network,
    nginx,
    packages,
    preflight,
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
    containers,
    schedules,
)
