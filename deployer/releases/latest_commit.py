"""10.1 Update: the commit that the ref has become; it is fetched, and the release that serves is left alone."""

from dataclasses import dataclass

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan, Step
from deployer.inventory.model import Inventory
from deployer.releases.source import ask_remote, ask_serving, fetch, git
from deployer.resources.docker import ask_docker
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, containers, is_running
from deployer.text.shell import lines, quote

TITLE = "10.1 Fetch"


@dataclass(frozen=True)
class AtLatestCommit:
    """A step that brings what the ref has become, where by itself it keeps the commit that serves."""

    step: Step

    @property
    def TITLE(self) -> str:
        return self.step.TITLE

    @property
    def __name__(self) -> str:
        return getattr(self.step, "__name__", "")

    def probes(self, host: Inventory) -> Probes:
        return {**self.step.probes(host), "commit": _ask_newest(host, "no")}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        return self.step.plan(host, facts)


def probes(host: Inventory) -> Probes:
    here = f"[ -e {quote(host.paths.source)} ] || exit 0; export GIT_OPTIONAL_LOCKS=0;"
    return {
        "standing": ask_serving(host),
        "containers": ask_containers(host),
        "newest": _ask_newest(host, "yes"),
        "local changes": Ask(f"{here} {git(host, 'status', '--porcelain', '--untracked-files=no')}"),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    provision = f"deployer provision --host {host.host_name}"
    if not facts["standing"]:
        raise Stop(Note("no release runs here yet", provision))
    if not is_running(containers(facts["containers"]), PROXY):
        raise Stop(Note("the proxy does not run: nobody could see the new release", provision))
    _refuse_local_changes(host, facts)
    commit, known, *commits = (*facts.lines("newest"), "", "")[: max(2, len(facts.lines("newest")))]
    if not commit:
        raise Stop(
            Note(f"{host.source.repository} has no branch, tag or commit {host.source.ref}", "give another with --ref")
        )
    if known == "new":
        found = f"{git(host, 'cat-file', '-e', f'{commit}^{{commit}}')}"
        missing = f"{{ echo {quote(f'the repository has no commit {commit}')}; exit 1; }}"
        why = f"fetch {host.source.ref}: {commit[:12]} (serving: {facts['standing'][:12]})"
        yield Script(why, lines(fetch(host), f"{found} || {missing}"), within=700)
    elif commit != facts["standing"]:
        yield Note(f"{host.source.ref} is {commit[:12]}, serving is {facts['standing'][:12]}; {_told(commits)}")


def _told(commits: list[str]) -> str:
    if not commits:
        return "it has no commit that the serving release does not have"
    return "\n".join((f"{len(commits)}{' or more' if len(commits) == 50 else ''} new:", *commits))


def _refuse_local_changes(host: Inventory, facts: Facts) -> None:
    """What somebody changed in the clone would be lost, and was never deployed: a release is made of commits."""
    changed = [line[3:] for line in facts.lines("local changes")]
    if changed:
        names = ", ".join(changed[:10])
        remedy = f"keep what is wanted as a commit, then: git -C {host.paths.source} checkout --force HEAD"
        raise Stop(Note(f"the clone has local changes: {names}", remedy))


def _ask_newest(host: Inventory, log: str) -> Ask:
    text = script("releases/scripts/show_latest.sh", REF=host.source.ref, SOURCE=str(host.paths.source), LOG=log)
    standing = f"standing() {{\n{ask_serving(host).script}\n}}" if log == "yes" else ""
    return ask_docker(lines(f"remote() {{ {ask_remote(host)}; }}", standing, text))
