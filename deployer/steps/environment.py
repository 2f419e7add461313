"""6. Environment configuration: .env, with secrets that are generated on the host, kept and never shown."""

import difflib
import hashlib
import re
from collections.abc import Iterator

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import NOT_IN_PLACE, ask, call
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.releases.lost_secrets import ask_remains, refuse_lost
from deployer.secret import Secret
from deployer.site.containers import ask_containers
from deployer.site.env import DB_PASSWORD, database_url, lines, secret_names
from deployer.text import dotenv
from deployer.text.shell import lines as in_shell
from deployer.text.shell import quote

TITLE = "6. Environment"

_WEAK = {"placeholder": "a placeholder", "short": "shorter than 32 bytes"}

MARKER = "# managed by deployer: changes are overwritten, secrets are kept"

_KEEP = 'cp -a "$FILE" "${PAYLOAD%/*}/former.payload" 2>/dev/null || true'
_PUT_BACK = """\
former=${PAYLOAD%/*}/former.payload
if [ -e "$former" ]; then mv -f "$former" "$FILE.deployer-new" && mv -f "$FILE.deployer-new" "$FILE"; fi"""

_SECRET = re.compile(r"\s*(?:export\s+)?(?P<name>[^\s=:]+)\s*[=:]\s*\[secret (?P<state>\w+) (?P<digest>[0-9a-f]*)\]")
"""A secret as the host program shows it; in front of it, all of the line as it is written there."""


def probes(host: Inventory) -> Probes:
    return {"env": _ask_env(host), "remains": ask_remains(host), "containers": ask_containers(host)}


def _ask_env(host: Inventory) -> Ask:
    supplied = (name for name in secret_names(host) if name in host.secrets)
    words = ("environment", database_url(host), MARKER, *supplied)
    return ask(host, *words, otherwise=f"[ -e {quote(host.paths.env)} ] || exit 0\n{NOT_IN_PLACE}")


def plan(host: Inventory, facts: Facts) -> Plan:
    """The host shows .env with each secret replaced by its state, so that no secret has to travel to be compared."""
    _refuse_ambiguous(host)
    attributes, *rest = facts.lines("env") or ("",)
    present = tuple(rest)
    lines_wanted = wanted(host, present)
    _refuse_weak(host, present)
    refuse_lost(host, facts, tuple(name for name, _, _ in _states(present)))
    masked = tuple(_without_digest(line) for line in present)
    if not _supplied_match(host, present) or masked != lines_wanted:
        yield _write(host, masked, lines_wanted)
    elif attributes != "600 root:root":
        yield Script(
            f"set {host.paths.env} to 0600 root:root (is {attributes})",
            f"chown root:root {host.paths.env}; chmod 600 {host.paths.env}",
        )


def wanted(host: Inventory, present: tuple[str, ...]) -> tuple[str, ...]:
    """All lines, `[secret]` in place of each secret.

    A secret in the file that is not ours (the operator added it, or an older version) is kept as well. A DATABASE_URL
    made of DB_PASSWORD is an ordinary line, and is removed when the database is switched off.
    """
    ours = (*secret_names(host), *(("DATABASE_URL",) if host.postgres.enabled else ()))
    others = (name for name, _, _ in _states(present) if name not in ours)
    names = tuple(dict.fromkeys((*secret_names(host), *others)))
    return (MARKER, *_listed(names), *(f"{name}=[secret]" for name in names), *lines(host))


def _listed(names: tuple[str, ...]) -> Iterator[str]:
    """Lists for the host's scripts the secrets whose names do not show it (SENTRY_DSN)."""
    listed = " ".join(name for name in names if not dotenv.is_secret(name))
    if listed:
        yield f"# secrets: {listed}"


def _without_digest(line: str) -> str:
    return f"{line.rpartition('[secret ')[0]}[secret]" if _SECRET.fullmatch(line) else line


def _states(present: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for line in present:
        found = _SECRET.fullmatch(line)
        if found:
            yield found["name"], found["state"], found["digest"]


def renewed(host: Inventory, facts: Facts) -> frozenset[str]:
    """The secrets for which .env gets another value: the operator supplies one, or it has none."""
    _, *present = facts.lines("env") or ("",)
    digests = {name: digest for name, _, digest in _states(tuple(present))}
    supplied = {name: _digest(host.secrets[name]) for name in secret_names(host) if name in host.secrets}
    known = {**digests, **supplied}
    names = {name for name in secret_names(host) if name not in digests or digests[name] != known[name]}
    return frozenset({*names, "DATABASE_URL"} if host.postgres.enabled and DB_PASSWORD in names else names)


def _digest(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


def _supplied_match(host: Inventory, present: tuple[str, ...]) -> bool:
    digests = {name: digest for name, _, digest in _states(present)}
    return all(digests.get(name) == _digest(host.secrets[name]) for name in secret_names(host) if name in host.secrets)


def _refuse_ambiguous(host: Inventory) -> None:
    """A name with a value in both files would be in .env twice, and never be found equal."""
    both = [name for name in secret_names(host) if name in host.environment]
    if both:
        secrets = host.file.with_suffix(".env").name
        raise Stop(*(Note(f"{name} is set in [environment] and in {secrets}", "remove it from one") for name in both))


def _refuse_weak(host: Inventory, present: tuple[str, ...]) -> None:
    problems = tuple(
        problem
        for name, state, _ in _states(present)
        if name not in host.secrets and (problem := _problem(host, name, state))
    )
    if problems:
        raise Stop(*problems)


def _problem(host: Inventory, name: str, state: str) -> Note | None:
    file = host.paths.env
    if state == "unclosed":
        return Note(f"{name} in {file} begins with a quote that never ends", f"close the quote of {name} in {file}")
    if name == DB_PASSWORD and state == "unfit" and host.postgres.enabled:
        return Note(
            f"{DB_PASSWORD} in {file} cannot stand in a URL: it needs 8 or more of letters, digits and . _ ~ -",
            f"set another {DB_PASSWORD} in {host.file.with_suffix('.env')}; the database's role gets it too",
        )
    if name.endswith("_SECRET_KEY") and state in _WEAK:
        return Note(
            f"{name} in {file} is {_WEAK[state]}",
            f"set another {name} in {host.file.with_suffix('.env')}",
        )
    return None


def _write(host: Inventory, masked: tuple[str, ...], wanted: tuple[str, ...]) -> Script:
    difference = difflib.unified_diff(masked, wanted, f"host:{host.paths.env}", f"wanted:{host.paths.env}", lineterm="")
    what = "its values differ" if masked else "missing; its secrets are generated on the host"
    write = call(host, "environment", "write")
    supplied = (dotenv.line(name, host.secrets[name].reveal()) for name in secret_names(host) if name in host.secrets)
    return Script(
        f"write {host.paths.env} ({what})",
        in_shell(f"FILE={quote(host.paths.env)}", _KEEP, f'{write} "$PAYLOAD" <<<{quote(chr(10).join(wanted))}'),
        in_shell(f"FILE={quote(host.paths.env)}", _PUT_BACK),
        diff="\n".join(difference),
        payload=Secret("\n".join(supplied) + "\n"),
    )
