"""7.1 Clone repository: the source at the wanted ref. It never moves a clone that is there: that is `update`'s work."""

from deployer.changes import Note, Run
from deployer.docker import ask_docker
from deployer.facts import Ask, Facts, Probes
from deployer.files import Directory, ask_directories, compare_directories
from deployer.inventory.model import Inventory
from deployer.shell import lines, quote, sh
from deployer.step import Plan

TITLE = "7.1 Clone repository"


def git(host: Inventory, *words: str) -> str:
    """A git command in the clone, whoever owns it; it never waits for a password."""
    return sh("git", "-c", "safe.directory=*", "-C", host.paths.source, *words)


def probes(host: Inventory) -> Probes:
    here = f"[ -e {quote(host.paths.source)} ] || exit 0; export GIT_OPTIONAL_LOCKS=0;"
    commit = '{{index .Config.Labels "deployer.commit"}}'
    image = f"docker image inspect --format {quote(commit)} {host.name}-backend:current 2>/dev/null || true"
    return {
        "root": ask_directories((Directory(host.root),)),
        "origin": Ask(f"{here} {git(host, 'remote', 'get-url', 'origin')}"),
        "local changes": Ask(f"{here} {git(host, 'status', '--porcelain', '--untracked-files=no')}"),
        "tracked secrets": Ask(f"{here} {git(host, 'ls-files', '.env')}"),
        "running commit": ask_docker(image),
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare_directories(facts["root"], (Directory(host.root),))
    if not facts["origin"]:
        yield _clone(host, facts["running commit"] or host.source.ref)
        return
    if facts["origin"] != host.source.repository:
        yield Run(
            f"point the clone to {host.source.repository} (was {facts['origin']})",
            git(host, "remote", "set-url", "origin", host.source.repository),
        )
    if facts["local changes"]:
        changed = ", ".join(line[3:] for line in facts.lines("local changes")[:5])
        yield Note(f"the clone has local changes, which are not deployed: {changed}", f"look at {host.paths.source}")
    if facts["tracked secrets"]:
        yield Note("the repository tracks a .env; it is not used", "remove it from the repository and change its secrets")


def _clone(host: Inventory, ref: str) -> Run:
    """Beside first, then renamed: a clone that can be seen is whole. A release that runs keeps its commit."""
    beside = f"{host.paths.source}.new"
    clone = sh("git", "clone", "--quiet", "--no-checkout", "--", host.source.repository, beside)
    inside = sh("git", "-C", beside)
    wanted = f"{inside} rev-parse --verify --quiet"
    script = lines(
        "export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes'",
        sh("rm", "-rf", beside),
        f"timeout 600 {clone}",
        f"commit=$({wanted} {quote(f'origin/{ref}^{{commit}}')} || {wanted} {quote(f'{ref}^{{commit}}')}) || "
        f"{{ echo {quote(f'the repository has no branch, tag or commit {ref}')}; exit 1; }}",
        f'{inside} checkout --quiet --detach "$commit"',
        sh("mv", beside, host.paths.source),
        'echo "at commit $commit"',
    )
    return Run(f"clone {host.source.repository} at {ref}", script, within=700)
