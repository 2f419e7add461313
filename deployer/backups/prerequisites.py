"""What a backup needs of a host before it is put in place: Docker, network, proxy, images. A bare host lacks all."""

from uuid import uuid4

from deployer.backups.catalogue import Backup
from deployer.backups.restore import TITLE
from deployer.backups.scripts.backup import database_functions
from deployer.engine.changes import Script
from deployer.engine.facts import Ask
from deployer.engine.oneoff import OneOff
from deployer.engine.survey import parse, script_for
from deployer.inventory.model import Inventory
from deployer.releases.latest_commit import AtLatestCommit
from deployer.releases.source import at_ref
from deployer.resources.docker import ask_docker
from deployer.run.convergence import converge_on
from deployer.run.host_run import HostRun
from deployer.site.scripts.proxy import proxy_functions
from deployer.steps import PREREQUISITES, images
from deployer.text.shell import lines, quote, sh


def found(run: HostRun, backup: Backup) -> None:
    """Bring the host to where a restore can begin, at the commit of the backup; nothing where it is there already."""
    host = at_ref(run.host, backup.commit) if backup.commit else run.host
    if not _told(run, _ask_proxy(run.host)):
        told = f"this host lacks what a deployment stands on: that is made first, at commit {backup.commit[:12]}"
        run.report.data("note", {"text": told}, told)
        orphan = _told(run, _ask_orphan(run.host)).strip()
        remove = (Script("remove the proxy, whose files are gone", sh("docker", "rm", "-f", orphan)),)
        steps = (*((OneOff(TITLE, remove, uuid4().hex),) if orphan else ()), *PREREQUISITES)
        converge_on(run, host, steps, "restore")
    if backup.images and not _told(run, _ask_images(backup)):
        converge_on(run, host, (AtLatestCommit(images),), "restore")


def _told(run: HostRun, ask: Ask) -> str:
    """Empty also where the host cannot tell: then it lacks something."""
    answer = parse(run.transport.run(script_for((ask,)), limit=60).output, (ask,))[ask]
    return answer.output if answer.exit_code == 0 else ""


def _ask_proxy(host: Inventory) -> Ask:
    """One that runs on its files needs all else: Docker, the network, a configuration and a certificate."""
    there = sh("test", "-s", host.paths.nginx_conf, "-a", "-s", host.paths.env)
    database = '[ -n "$(database_server)" ] &&' if host.postgres.enabled else ""
    return ask_docker(lines(proxy_functions(host), database_functions(host), f"{database} {there} && proxy"))


def _ask_orphan(host: Inventory) -> Ask:
    """A proxy whose files are gone: it holds on to the directory that was, and would never see another."""
    return ask_docker(lines(proxy_functions(host), f"test -e {quote(host.paths.nginx_conf)} || proxy"))


def _ask_images(backup: Backup) -> Ask:
    return ask_docker(sh("docker", "image", "inspect", "--format", "{{.Id}}", *backup.images.values()))
