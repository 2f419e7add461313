"""7.2 Create required directories, with the guide's modes."""

from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import Directory, ask_directories, compare_directories

TITLE = "7.2 Directories"


def directories(host: Inventory) -> tuple[Directory, ...]:
    """logs and data belong to the image's user, who is known only after the build: section 7.4 sets their owner.

    The database's files belong to the user of its image, whose entry point sets their owner.
    """
    paths = host.paths
    return (
        Directory(paths.logs, owner=""),
        Directory(paths.data, owner=""),
        Directory(paths.nginx),
        Directory(paths.nginx / "conf.d"),
        Directory(paths.ssl, 0o700),
        Directory(paths.nginx_logs),
        Directory(paths.state / "acme"),
        Directory(paths.state / "tls", 0o700),
        Directory(paths.state / "docker"),
        *((Directory(paths.postgres, 0o700, owner=""),) if host.postgres.enabled else ()),
    )


def probes(host: Inventory) -> Probes:
    return {"directories": ask_directories(directories(host), host)}


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare_directories(facts["directories"], directories(host))
