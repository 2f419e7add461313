"""The latest commit of the ref at the remote, and steps that follow it instead of the serving release's commit."""

from dataclasses import dataclass

from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan, Step
from deployer.inventory.model import Inventory
from deployer.releases.source import ask_remote, ask_serving
from deployer.resources.docker import ask_docker
from deployer.text.shell import lines


@dataclass(frozen=True)
class AtLatestCommit:
    """A step at the latest commit of the ref; the step itself keeps the commit of the serving release."""

    step: Step

    @property
    def TITLE(self) -> str:
        return self.step.TITLE

    @property
    def __name__(self) -> str:
        return getattr(self.step, "__name__", "")

    def probes(self, host: Inventory) -> Probes:
        return {**self.step.probes(host), "commit": ask_latest_commit(host)}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        return self.step.plan(host, facts)


def ask_latest_commit(host: Inventory) -> Ask:
    """The latest commit; empty where the remote has no such ref."""
    return _ask(host, "", log="no")


def ask_new_commits(host: Inventory) -> Ask:
    """The latest commit, whether the clone has it, and its commits that the serving release does not have."""
    return _ask(host, f"serving() {{\n{ask_serving(host).script}\n}}", log="yes")


def _ask(host: Inventory, serving: str, *, log: str) -> Ask:
    text = script("releases/scripts/show_latest.sh", REF=host.source.ref, SOURCE=str(host.paths.source), LOG=log)
    return ask_docker(lines(f"remote() {{ {ask_remote(host)}; }}", serving, text))
