"""3.1 Host program: what the commands and cron run on the host, of this tool's version, with its settings."""

from deployer import __version__
from deployer.engine.changes import File, Note
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import PYTHON, program, program_files
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.remote.config import FILE
from deployer.resources.files import Directory, ask_directories, ask_file, compare, compare_directories
from deployer.text.shell import quote, sh
from deployer.text.versions import newer

TITLE = "3.1 Host program"


def probes(host: Inventory) -> Probes:
    settings = quote(host.paths.state / FILE)
    return {
        "directories": ask_directories(directories(host), host),
        "version": Ask(f'sed -n \'s/^ "version": "\\(.*\\)"$/\\1/p\' {settings} 2>/dev/null || true'),
        **{name: ask_file(file, host, show=False) for name, file in files(host).items()},
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    if newer(facts["version"], __version__):
        yield Note(
            f"the host program is of deployer {facts['version']}, which is newer than this one ({__version__}): "
            "it is replaced by the older one",
            "Upgrade this tool on this machine, then run this command again.",
        )
    yield from compare_directories(facts["directories"], directories(host))
    staged = f'"$STAGED"{quote(program(host))}'
    loads = f"[ ! -e {staged} ] || {sh(*PYTHON)} {staged} help >/dev/null"
    yield from compare(facts, files(host), check=loads, show=False)


def directories(host: Inventory) -> tuple[Directory, ...]:
    """The root of the deployment, and in it what belongs to the tool."""
    return (Directory(host.root), Directory(host.paths.state))


def files(host: Inventory) -> dict[str, File]:
    archive, settings = program_files(host)
    return {"program": archive, "settings": settings}
