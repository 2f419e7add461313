"""6. Environment configuration: .env, with secrets that are made on the host, kept for ever and never shown."""

import difflib
import hashlib
import re
from collections.abc import Iterator

from deployer.engine.changes import Note, Script, Stop
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.program import script
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.secret import Secret
from deployer.site.env import DB_PASSWORD, database_url, lines, secret_names
from deployer.text import dotenv
from deployer.text.shell import lines as in_shell
from deployer.text.shell import quote

TITLE = "6. Environment"

MARKER = "# managed by deployer: changes are overwritten, secrets are kept"

_KEEP = 'cp -a "$FILE" "${PAYLOAD%/*}/former.payload" 2>/dev/null || true'
_PUT_BACK = """\
former=${PAYLOAD%/*}/former.payload
if [ -e "$former" ]; then mv -f "$former" "$FILE.deployer-new" && mv -f "$FILE.deployer-new" "$FILE"; fi"""

_SECRET = re.compile(r"\[secret (?P<state>\w+) (?P<digest>[0-9a-f]*)\]")


def probes(host: Inventory) -> Probes:
    supplied = " ".join(name for name in secret_names(host) if name in host.secrets)
    return {
        "env": Ask(
            script("site/scripts/show_env.sh", FILE=str(host.paths.env), SUPPLIED=supplied, DERIVED=database_url(host))
        )
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    """The host shows .env with each secret replaced by its state, so that no secret travels to be compared."""
    attributes, *rest = facts.lines("env") or ("",)
    present = tuple(rest)
    lines_wanted = wanted(host, present)
    _refuse_weak(host, present)
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

    A secret that stands there and is not ours (a person's, an older version's) is kept as well; a DATABASE_URL made of
    DB_PASSWORD is no secret here but a line like others, and goes when the database is switched off.
    """
    ours = (*secret_names(host), *(("DATABASE_URL",) if host.postgres.enabled else ()))
    others = tuple(name for line in present if _SECRET.search(line) and (name := line.partition("=")[0]) not in ours)
    names = (*secret_names(host), *others)
    return (MARKER, *_listed(names), *(f"{name}=[secret]" for name in names), *lines(host))


def _listed(names: tuple[str, ...]) -> Iterator[str]:
    """Tells the host's scripts which variables are secrets though their names do not say so (SENTRY_DSN)."""
    unsaid = " ".join(name for name in names if not dotenv.SECRET_NAME.search(name))
    if unsaid:
        yield f"# secrets: {unsaid}"


def _without_digest(line: str) -> str:
    return _SECRET.sub("[secret]", line)


def _states(present: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for line in present:
        found = _SECRET.search(line)
        if found:
            yield line.partition("=")[0], found["state"], found["digest"]


def password_changes(host: Inventory, facts: Facts) -> bool:
    """The operator supplies another password of the database than stands in .env."""
    _, *present = facts.lines("env") or ("",)
    digests = {name: digest for name, _, digest in _states(tuple(present))}
    return DB_PASSWORD in host.secrets and digests.get(DB_PASSWORD) != _digest(host.secrets[DB_PASSWORD])


def _digest(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


def _supplied_match(host: Inventory, present: tuple[str, ...]) -> bool:
    digests = {name: digest for name, _, digest in _states(present)}
    return all(digests.get(name) == _digest(host.secrets[name]) for name in secret_names(host) if name in host.secrets)


def _refuse_weak(host: Inventory, present: tuple[str, ...]) -> None:
    weak = tuple(
        Note(
            f"{name} in {host.paths.env} is {'a placeholder' if state == 'placeholder' else 'shorter than 32 bytes'}",
            f"remove the line {name}= from {host.paths.env} (a new one is made), or set it in the inventory's .env",
        )
        for name, state, _ in _states(present)
        if name.endswith("_SECRET_KEY") and state in ("placeholder", "short") and name not in host.secrets
    )
    unfit = tuple(_unfit(host) for name, state, _ in _states(present) if (name, state) == (DB_PASSWORD, "unfit"))
    if weak or (unfit and host.postgres.enabled and DB_PASSWORD not in host.secrets):
        raise Stop(*weak, *unfit)


def _unfit(host: Inventory) -> Note:
    return Note(
        f"{DB_PASSWORD} in {host.paths.env} cannot stand in a URL: 8 or more of letters, digits and . _ ~ -",
        f"set another as {DB_PASSWORD} in the inventory's .env; the database's role is given it too",
    )


def _write(host: Inventory, masked: tuple[str, ...], wanted: tuple[str, ...]) -> Script:
    difference = difflib.unified_diff(masked, wanted, f"host:{host.paths.env}", f"wanted:{host.paths.env}", lineterm="")
    what = "its values differ" if masked else "absent, its secrets are made on the host"
    supplied = (dotenv.line(name, host.secrets[name].reveal()) for name in secret_names(host) if name in host.secrets)
    return Script(
        f"write {host.paths.env} ({what})",
        in_shell(
            script("site/scripts/write_env.sh", FILE=str(host.paths.env), WANTED="\n".join(wanted)), _KEEP, "write_env"
        ),
        in_shell(f"FILE={quote(host.paths.env)}", _PUT_BACK),
        diff="\n".join(difference),
        payload=Secret("\n".join(supplied) + "\n"),
    )
