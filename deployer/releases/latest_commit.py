"""The latest commit of the ref at the remote, and steps that follow it instead of the serving release's commit."""

import re
from dataclasses import dataclass, replace

from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan, StepVariant
from deployer.inventory.model import Inventory
from deployer.releases.source import ask_remote, ask_serving, git
from deployer.resources.docker import ask_docker
from deployer.text.shell import lines, quote, sh

COMPLETE = 40
"""Digits of a commit's id."""

_OF_REF = """\
$2 == "refs/heads/" ref { head = $1 } $2 == "refs/tags/" ref "^{}" { peeled = $1 } $2 == "refs/tags/" ref { tag = $1 }
END { print head ? head : peeled ? peeled : tag }"""
"""awk: the commit of a branch, else of a tag, in what `git ls-remote` lists."""


@dataclass(frozen=True)
class AtLatestCommit(StepVariant):
    """A step at the latest commit of the ref; the step itself keeps the commit of the serving release."""

    def probes(self, host: Inventory) -> Probes:
        return {**self.step.probes(host), "commit": ask_latest_commit(host)}

    def plan(self, host: Inventory, facts: Facts) -> Plan:
        latest = facts.answers["commit"]
        commit = replace(latest, output=latest.output.partition("\n")[0])
        return self.step.plan(host, Facts({**facts.answers, "commit": commit}))


def ask_latest_commit(host: Inventory) -> Ask:
    """The latest commit, then `known` or `new` to the clone, and its commits that the serving release does not have.

    A line each, the latest of these commits first; empty where the remote has no such ref.
    """
    clone, log = f"{git(host)} 2>/dev/null", ("log", "--no-decorate", "--format=%h %s (%an)", "-n", "50")
    return ask_docker(
        lines(
            f"refs=$({ask_remote(host)}) || exit",
            f'latest=$(awk -v ref={quote(host.source.ref)} {quote(_OF_REF)} <<<"$refs")',
            _by_id(host),
            'if [ -n "$latest" ]; then echo "$latest"; else exit 0; fi',
            f'if {clone} cat-file -e "$latest^{{commit}}"; then echo known; else echo new; exit 0; fi',
            f"serving=$({ask_serving(host).script}\n) || exit",
            f'[ -z "$serving" ] || {clone} {sh(*log)} "$serving..$latest" || true',
        )
    )


def _by_id(host: Inventory) -> str:
    """A ref that looks like a commit's id is one where nothing has the name; a complete one need not be known yet."""
    ref = host.source.ref
    if not re.fullmatch("[0-9a-f]{7,40}", ref):
        return ""
    otherwise = ref if len(ref) == COMPLETE else ""
    found = f"{git(host, 'rev-parse', '--verify', '--quiet', f'{ref}^{{commit}}')} 2>/dev/null"
    return f'[ -n "$latest" ] || latest=$({found} || echo {otherwise})'
