"""What a host needs before a backup is restored: Docker, network, proxy, images. A bare host lacks all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from deployer.backups.catalogue import Backup
from deployer.backups.restore import TITLE
from deployer.engine.changes import Script
from deployer.engine.facts import Ask
from deployer.engine.oneoff import OneOff
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.releases.source import at_ref
from deployer.resources.docker import ask_docker
from deployer.run.convergence import converge_on
from deployer.run.host_run import HostRun
from deployer.site.compose import DATABASE, PROXY
from deployer.text.shell import quote, sh


@dataclass(frozen=True)
class Guide:
    """The steps of the guide that a restore may need: the first three to fetch a backup, the others on a bare host."""

    packages: Step
    host_program: Step
    offsite: Step
    prerequisites: Sequence[Step]
    images: Step


def provide(run: HostRun, backup: Backup, guide: Guide, scope: Sequence[str]) -> None:
    """Bring the host to where a restore can begin, at the commit of the backup; nothing where it is there already."""
    host = at_ref(run.host, backup.commit) if backup.commit else run.host
    if not _answer(run, ask_proxy(run.host, scope)):
        note = "Prerequisites are missing (Docker, network, proxy or images); provisioning them first"
        note = f"{note}, at commit {backup.commit[:12]}." if backup.commit else f"{note}."
        run.report.data("note", {"text": note}, note)
        converge_on(run, host, (*_removal(_answer(run, ask_orphan(run.host))), *guide.prerequisites), "restore")
    if backup.images and not _answer(run, ask_images(backup)):
        converge_on(run, host, (guide.images,), "restore")


def _removal(orphan: str) -> tuple[OneOff, ...]:
    if not orphan:
        return ()
    remove = Script("remove the proxy container, whose files are gone", sh("docker", "rm", "-f", orphan))
    return (OneOff(TITLE, (remove,), uuid4().hex),)


def _answer(run: HostRun, ask: Ask) -> str:
    """Empty also where the host cannot answer: then it lacks something."""
    answer = run.ask({"answer": ask}).answers["answer"]
    return answer.output.strip() if answer.exit_code == 0 else ""


def ask_proxy(host: Inventory, scope: Sequence[str]) -> Ask:
    """A proxy that runs on its files needs all else: Docker, the network, a configuration and a certificate.

    .env may be lost where the restore brings it.
    """
    environment = () if "config" in scope else ("-a", "-s", host.paths.env)
    there = sh("test", "-s", host.paths.nginx_conf, *environment)
    database = f'[ -n "$({_running(host, DATABASE)})" ] &&' if host.postgres.enabled else ""
    return ask_docker(f"{database} {there} && {_running(host, PROXY)}")


def ask_orphan(host: Inventory) -> Ask:
    """A proxy whose files are gone: its mounts keep the deleted directory, so it would never see the new one."""
    return ask_docker(f"test -e {quote(host.paths.nginx_conf)} || {_running(host, PROXY)}")


def _running(host: Inventory, service: str) -> str:
    """The command that lists the ids of a service's containers that run."""
    labels = {"project": host.name, "service": service}
    filters = (f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items())
    return sh("docker", "ps", "--quiet", "--filter=status=running", *filters)


def ask_images(backup: Backup) -> Ask:
    """The ids of the backup's images; fails where one is not on the host."""
    return ask_docker(sh("docker", "image", "inspect", "--format", "{{.Id}}", *backup.images.values()))
