"""9. Backup: the programs that cron runs, and the directory of the backups, for root alone."""

from collections.abc import Mapping

from deployer.backups import backup as noun
from deployer.backups.drill import compose_file
from deployer.backups.programs import backup_program
from deployer.engine.changes import File
from deployer.engine.facts import Facts, Probes
from deployer.engine.host_program import cron_entry
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.remote.drill.copy import TEMPLATE
from deployer.resources.files import Directory, ask_directories, ask_files, compare, compare_directories

TITLE = noun.TITLE


def files(host: Inventory) -> Mapping[str, File]:
    return {
        "program": backup_program(host),
        "drill": cron_entry(host, "drill"),
        "copy": File(host.paths.state / TEMPLATE, compose_file(host).encode(), 0o600),
        "recover": cron_entry(host, "recover"),
    }


def directories(host: Inventory) -> tuple[Directory, ...]:
    return (Directory(host.backup.directory, 0o700),)


def probes(host: Inventory) -> Probes:
    return {**ask_files(files(host), host), "directories": ask_directories(directories(host), host)}


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare_directories(facts["directories"], directories(host))
    yield from compare(facts, files(host))
