"""The application's source: the repository that the host clones, and the commit that is deployed."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from deployer.engine.changes import File
from deployer.engine.facts import Ask
from deployer.engine.host_program import call
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.inventory.sections import Source
from deployer.resources.docker import ask_api
from deployer.text.shell import lines, quote, sh

_FIRST_BACKEND = r"/^upstream backend /,/^}/s/^ *server \([^:]*\):.*/\1/p"
_OF_RELEASE = r's/.*"commit": "([0-9a-f]*)".*"result": "(deployed|restored)".*/\1/p'
"""sed: of the proxy's upstream file the backend's containers, of the log of releases the commits that served."""


def git(host: Inventory, *words: str) -> str:
    """A git command in the clone, whoever owns it."""
    return sh("git", "-c", "safe.directory=*", "-C", host.paths.source, *words)


def fetch(host: Inventory) -> str:
    """Fetch all branches and tags, also where history was rewritten; nothing is checked out."""
    branches = "+refs/heads/*:refs/remotes/origin/*"
    origin = git(host, "remote", "set-url", "origin", host.source.repository)
    everything = git(host, "fetch", "--quiet", "--force", "--tags", "origin", branches)
    return lines(quiet(host), origin, f"timeout 600 {everything}")


def refuse_incomplete(host: Inventory, commit: str, source: str) -> str:
    """Bash that refuses a commit whose files git alone does not have, where it is built.

    `commit` is a word of bash.
    """
    if host.build.where == "registry":
        return ":"
    contexts = sh(*dict.fromkeys((host.backend.context, host.wallet.context)))
    return f"{call(host, 'image', 'check', source)} {commit} {contexts}"


def at_ref(host: Inventory, ref: str) -> Inventory:
    """The same host at another ref. Raises UsageError where that cannot be one."""
    try:
        source = Source.model_validate({**host.source.model_dump(), "ref": ref})
    except ValidationError:
        raise UsageError(f"--ref: got {ref!r}", remedy="Give a branch, a tag or a commit, as git names it.") from None
    return host.model_copy(update={"source": source})


def commit_of(ref: str, listing: str) -> str:
    """The commit of a branch or tag in the output of `git ls-remote`; empty where it has none."""
    known = {name: commit for commit, _, name in (line.partition("\t") for line in listing.splitlines())}
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}")
    return next((known[name] for name in names if name in known), "")


def ask_local_changes(host: Inventory) -> Ask:
    """Files of the clone that are not as they were committed, as `git status --porcelain` lists them."""
    here = f"[ -e {quote(host.paths.source)} ] || exit 0; export GIT_OPTIONAL_LOCKS=0;"
    return Ask(f"{here} {git(host, 'status', '--porcelain', '--untracked-files=no')}")


def ask_serving(host: Inventory) -> Ask:
    """The commit of the serving release; where none serves, that of the clone. Empty where there is no clone."""
    source = quote(host.paths.source)
    return ask_recorded(host, f"if [ -e {source} ]; then {git(host, 'rev-parse', 'HEAD')}; fi")


def ask_recorded(host: Inventory, otherwise: str = "") -> Ask:
    """The commit of the serving release; where none serves, what the script `otherwise` prints."""
    text = f'commit=$({recorded(host)}\n) || exit 3\nif [ -n "$commit" ]; then echo "$commit"; exit; fi\n{otherwise}'
    return ask_api(host, "serving", otherwise, otherwise=text)


def ask_unless_serving(host: Inventory, script: str) -> Ask:
    """What the script prints, which is run only where no release serves."""
    text = f'[ -z "$({recorded(host)}\n)" ] || exit 0\n{script}'
    return ask_api(host, "unless-serving", script, otherwise=text)


def recorded(host: Inventory) -> str:
    """Bash that prints the commit of the backend that the proxy names; without one, that of the last release."""
    upstreams, log = (quote(path) for path in (host.paths.conf_d / f"{host.name}.upstreams", host.paths.release_log))
    commit = """docker ps -a --filter "name=^$name\\$" --format '{{.Label "deployer.commit"}}'"""
    return lines(
        f"name=$(sed -n {quote(_FIRST_BACKEND)} {upstreams} 2>/dev/null | head -n 1)",
        f'commit=$([ -z "$name" ] || {commit}) || exit 3',  # a missing container is no error; a silent Docker is
        f'[ -n "$commit" ] || commit=$(sed -nE {quote(_OF_RELEASE)} {log} 2>/dev/null | tail -n 1)',
        '[ -z "$commit" ] || echo "$commit"',
    )


def ask_remote(host: Inventory) -> str:
    """A shell command that lists the branch and the tag of the ref's name at the remote; it fails where git does."""
    ref = host.source.ref
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/tags/{ref}^{{}}")
    return f"{quiet(host)}; timeout 20 {sh('git', 'ls-remote', '--', host.source.repository, *names)}"


def quiet(host: Inventory) -> str:
    """Bash after which git never prompts, and uses the deploy key and the pinned host key over SSH."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    if host.source.deploy_key:
        directory = _key_directory(host)
        words += ["-o", "IdentitiesOnly=yes", "-i", str(directory / "deploy_key")]
        words += ["-o", f"UserKnownHostsFile={directory / 'known_hosts'}"]
    return f"export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND={quote(sh(*words))}"


def _key_directory(host: Inventory) -> PurePosixPath:
    return host.paths.state / "git"


def key_files(host: Inventory) -> Mapping[str, File]:
    """The deploy key, and the inventory's known_hosts, where the git server's key has to be pinned."""
    if not host.source.deploy_key:
        return {}
    key, known = (Path(host.local_path(path)) for path in (host.source.deploy_key, host.ssh.known_hosts))
    directory = _key_directory(host)
    return {
        "deploy key": File(directory / "deploy_key", key.read_bytes(), 0o600),
        "known hosts": File(directory / "known_hosts", known.read_bytes() if known.exists() else b"", 0o600),
    }
