"""10.1 Update: fetch the latest commit of the ref, while the serving release is left alone."""

from collections.abc import Sequence

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases.latest_commit import ask_latest_commit
from deployer.releases.source import ask_local_changes, ask_serving, fetch, git, refuse_incomplete
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, containers, is_running
from deployer.text.shell import lines, quote

TITLE = "10.1 Fetch the latest commit"


def probes(host: Inventory) -> Probes:
    return {
        "serving": ask_serving(host),
        "containers": ask_containers(host),
        "latest": ask_latest_commit(host),
        "local changes": ask_local_changes(host),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    _refuse_unready(host, facts)
    commit, known, *commits = (*facts.lines("latest"), "", "")[: max(2, len(facts.lines("latest")))]
    serving = facts["serving"]
    if not commit:
        what = f"{host.source.repository} has no branch, tag or commit {host.source.ref}"
        raise Stop(Note(what, "set source.ref in the inventory, or pass --ref with one that exists"))
    if known == "new":
        why = f"fetch {host.source.ref}: {commit[:12]} (serving: {serving[:12]})"
        yield Script(why, _fetch(host, commit), within=700)
    elif commit != serving:
        yield Note(f"{host.source.ref} is at {commit[:12]}, serving is {serving[:12]}; {_listed(commits)}")


def _refuse_unready(host: Inventory, facts: Facts) -> None:
    """Local changes in the clone were never deployed (a release is made of commits), and would be lost."""
    provision = f"run `deployer provision --host {host.host_name}`"
    if not facts["serving"]:
        raise Stop(Note("no release runs on this host yet", provision))
    if not is_running(containers(host, facts["containers"]), PROXY):
        raise Stop(Note("the proxy is not running, so visitors could not reach the new release", provision))
    changed = [line[3:] for line in facts.lines("local changes")]
    if changed:
        remedy = (
            f"commit and push what you need, then run on the host: git -C {host.paths.source} checkout --force HEAD"
        )
        raise Stop(Note(f"the clone has local changes: {', '.join(changed[:10])}", remedy))


def _fetch(host: Inventory, commit: str) -> str:
    found = git(host, "cat-file", "-e", f"{commit}^{{commit}}")
    missing = f"{{ echo {quote(f'the repository has no commit {commit}')}; exit 1; }}"
    check = refuse_incomplete(host, quote(commit), str(host.paths.source))
    return lines(fetch(host), f"{found} || {missing}", check)


def _listed(commits: Sequence[str]) -> str:
    if not commits:
        return "it has no commit that the serving release does not have"
    return "\n".join((f"{len(commits)}{' or more' if len(commits) == 50 else ''} new:", *commits))
