"""7.1 Clone repository: the source at the wanted ref; while a release runs it stays there (`update` moves it)."""

from collections.abc import Iterator

from deployer.engine.changes import Change, Note, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases.source import (
    ask_local_changes,
    ask_recorded,
    ask_remote,
    ask_unless_serving,
    commit_of,
    fetch,
    git,
    key_files,
    quiet,
    refuse_incomplete,
)
from deployer.resources.files import ask_file, compare
from deployer.text.shell import lines, quote, sh

TITLE = "7.1 Clone repository"


def probes(host: Inventory) -> Probes:
    here = f"[ -e {quote(host.paths.source)} ] || exit 0; export GIT_OPTIONAL_LOCKS=0;"
    return {
        "origin": Ask(f"{here} {git(host, 'remote', 'get-url', 'origin')}"),
        "commit": Ask(f"{here} {git(host, 'rev-parse', 'HEAD')}"),
        "local changes": ask_local_changes(host),
        "tracked secrets": Ask(f"{here} {git(host, 'ls-files', '.env')}"),
        "running": ask_recorded(host),
        "remote": ask_unless_serving(host, f"{here} {ask_remote(host)} 2>/dev/null || true"),
        **{name: ask_file(file, host, show=False) for name, file in key_files(host).items()},
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare(facts, key_files(host), show=False)
    if not facts["origin"]:
        yield _clone(host, facts["running"].split("\n")[0] or host.source.ref)
        return
    yield from _move(host, facts)
    if facts["local changes"]:
        changed = ", ".join(line[3:] for line in facts.lines("local changes")[:5])
        what = f"the clone has local changes, which are not deployed: {changed}"
        yield Note(what, f"check {host.paths.source} on the host")
    if facts["tracked secrets"]:
        remedy = "remove it from the repository, and change the secrets in it"
        yield Note("the repository tracks a .env file, which is not used", remedy)


def _move(host: Inventory, facts: Facts) -> Iterator[Change]:
    """To another repository; or, while nothing runs (the first release failed), to the latest commit of the ref."""
    if facts["origin"] != host.source.repository:
        yield Script(
            f"point the clone to {host.source.repository} (was {facts['origin']})",
            git(host, "remote", "set-url", "origin", host.source.repository),
        )
    latest = commit_of(host.source.ref, facts["remote"])
    if latest and latest != facts["commit"]:
        checkout = git(host, "checkout", "--quiet", "--force", "--detach", latest)
        why = f"check out {host.source.ref} ({latest[:12]}); no release runs yet"
        check = refuse_incomplete(host, latest, str(host.paths.source))
        yield Script(why, lines(fetch(host), check, checkout), within=700)


def _clone(host: Inventory, ref: str) -> Script:
    """Into a staging directory, then renamed, so that a clone in its place is complete. A running release keeps its
    commit.
    """
    staging = f"{host.paths.source}.new"
    clone = sh("git", "clone", "--quiet", "--no-checkout", "--", host.source.repository, staging)
    inside = sh("git", "-C", staging)
    wanted = f"{inside} rev-parse --verify --quiet"
    text = lines(
        quiet(host),
        sh("rm", "-rf", staging),
        f"timeout 600 {clone}",
        f"commit=$({wanted} {quote(f'origin/{ref}^{{commit}}')} || {wanted} {quote(f'{ref}^{{commit}}')}) || "
        f"{{ echo {quote(f'the repository has no branch, tag or commit {ref}')}; exit 1; }}",
        refuse_incomplete(host, '"$commit"', staging),
        f'{inside} checkout --quiet --detach "$commit"',
        sh("mv", staging, host.paths.source),
        'echo "at commit $commit"',
    )
    return Script(f"clone {host.source.repository} at {ref}", text, within=700)
