"""7.1 Clone repository: the source at the wanted ref; while a release runs it is not moved (`update` does that)."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from deployer.engine.changes import Change, File, Note, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker
from deployer.resources.files import Directory, ask_directories, ask_file, compare, compare_directories
from deployer.text.shell import lines, quote, sh

TITLE = "7.1 Clone repository"


def git(host: Inventory, *words: str) -> str:
    """A git command in the clone, whoever owns it; it never waits for a password."""
    return sh("git", "-c", "safe.directory=*", "-C", host.paths.source, *words)


def probes(host: Inventory) -> Probes:
    here = f"[ -e {quote(host.paths.source)} ] || exit 0; export GIT_OPTIONAL_LOCKS=0;"
    running = _recorded(host)
    return {
        "root": ask_directories((Directory(host.root),)),
        "origin": Ask(f"{here} {git(host, 'remote', 'get-url', 'origin')}"),
        "commit": Ask(f"{here} {git(host, 'rev-parse', 'HEAD')}"),
        "local changes": Ask(f"{here} {git(host, 'status', '--porcelain', '--untracked-files=no')}"),
        "tracked secrets": Ask(f"{here} {git(host, 'ls-files', '.env')}"),
        "running": ask_docker(running),
        "remote": ask_docker(f'{here} [ -z "$({running}\n)" ] || exit 0\n{ask_remote(host)} 2>/dev/null || true'),
        **{name: ask_file(file, show=False) for name, file in _key_files(host).items()},
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare_directories(facts["root"], (Directory(host.root),))
    yield from compare(facts, _key_files(host), show=False)
    if not facts["origin"]:
        yield _clone(host, facts["running"].split("\n")[0] or host.source.ref)
        return
    yield from _move(host, facts)
    if facts["local changes"]:
        changed = ", ".join(line[3:] for line in facts.lines("local changes")[:5])
        yield Note(f"the clone has local changes, which are not deployed: {changed}", f"look at {host.paths.source}")
    if facts["tracked secrets"]:
        yield Note("the repository tracks a .env; it is not used", "remove it there and change the secrets it holds")


def _move(host: Inventory, facts: Facts) -> Iterator[Change]:
    """Another repository; or, while nothing runs (a first release that failed), what the ref has become since."""
    if facts["origin"] != host.source.repository:
        yield Script(
            f"point the clone to {host.source.repository} (was {facts['origin']})",
            git(host, "remote", "set-url", "origin", host.source.repository),
        )
    newest = commit_of(host.source.ref, facts["remote"])
    if newest and newest != facts["commit"]:
        checkout = git(host, "checkout", "--quiet", "--force", "--detach", newest)
        why = f"bring the clone to {host.source.ref} ({newest[:12]}); no release runs yet"
        yield Script(why, lines(fetch(host), checkout), within=700)


def fetch(host: Inventory) -> str:
    """All branches and tags as they are there now, also where history was rewritten; nothing is checked out."""
    branches = "+refs/heads/*:refs/remotes/origin/*"
    origin = git(host, "remote", "set-url", "origin", host.source.repository)
    everything = git(host, "fetch", "--quiet", "--force", "--tags", "origin", branches)
    return lines(quiet(host), origin, f"timeout 600 {everything}")


def commit_of(ref: str, listing: str) -> str:
    """The commit of a branch or tag in the output of `git ls-remote`; empty where it has none."""
    known = {name: commit for commit, _, name in (line.partition("\t") for line in listing.splitlines())}
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}")
    return next((known[name] for name in names if name in known), "")


def ask_standing(host: Inventory) -> Ask:
    """The commit of the release that serves; where none does, that of the clone. Nothing before there is a clone."""
    source = quote(host.paths.source)
    return ask_docker(
        f"commit=$({_recorded(host)}\n) || exit 3\n"
        f'if [ -n "$commit" ]; then echo "$commit"; elif [ -e {source} ]; then {git(host, "rev-parse", "HEAD")}; fi'
    )


def _recorded(host: Inventory) -> str:
    """The commit of the backend that the proxy's upstream file names; without one, that of the last release."""
    return script(
        "releases/scripts/show_commit.sh",
        NAME=host.name,
        CONF_D=str(host.paths.conf_d),
        LOG=str(host.paths.release_log),
    )


def ask_remote(host: Inventory) -> str:
    """A shell command that lists the branch and the tag of the ref's name at the remote; it fails where that does."""
    ref = host.source.ref
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/tags/{ref}^{{}}")
    return f"{quiet(host)}; timeout 20 {sh('git', 'ls-remote', '--', host.source.repository, *names)}"


def _clone(host: Inventory, ref: str) -> Script:
    """Beside first, then renamed: a clone that can be seen is whole. A release that runs keeps its commit."""
    beside = f"{host.paths.source}.new"
    clone = sh("git", "clone", "--quiet", "--no-checkout", "--", host.source.repository, beside)
    inside = sh("git", "-C", beside)
    wanted = f"{inside} rev-parse --verify --quiet"
    text = lines(
        quiet(host),
        sh("rm", "-rf", beside),
        f"timeout 600 {clone}",
        f"commit=$({wanted} {quote(f'origin/{ref}^{{commit}}')} || {wanted} {quote(f'{ref}^{{commit}}')}) || "
        f"{{ echo {quote(f'the repository has no branch, tag or commit {ref}')}; exit 1; }}",
        f'{inside} checkout --quiet --detach "$commit"',
        sh("mv", beside, host.paths.source),
        'echo "at commit $commit"',
    )
    return Script(f"clone {host.source.repository} at {ref}", text, within=700)


def quiet(host: Inventory) -> str:
    """What makes git quiet: it asks nothing; over SSH with the deploy key and against the pinned host key only."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    if host.source.deploy_key:
        directory = _key_directory(host)
        words += ["-o", "IdentitiesOnly=yes", "-i", str(directory / "deploy_key")]
        words += ["-o", f"UserKnownHostsFile={directory / 'known_hosts'}"]
    return f"export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND={quote(sh(*words))}"


def _key_directory(host: Inventory) -> PurePosixPath:
    return host.paths.state / "git"


def _key_files(host: Inventory) -> Mapping[str, File]:
    """The deploy key, and the inventory's known_hosts: the git server's key has to be pinned there."""
    if not host.source.deploy_key:
        return {}
    key, known = (Path(host.local_path(path)) for path in (host.source.deploy_key, host.ssh.known_hosts))
    directory = _key_directory(host)
    return {
        "deploy key": File(directory / "deploy_key", key.read_bytes(), 0o600),
        "known hosts": File(directory / "known_hosts", known.read_bytes() if known.exists() else b"", 0o600),
    }
