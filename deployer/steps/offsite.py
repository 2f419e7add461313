"""9.3 Off-site snapshots: what restic needs to reach their repository, for root alone, and restic for manual use."""

import hashlib
from collections.abc import Mapping

from deployer.backups import offsite as noun
from deployer.engine.changes import File, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import call, entry
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_files, compare
from deployer.secret import Secret
from deployer.site.env import restics
from deployer.text.shell import lines, quote

TITLE = noun.TITLE

# Prints mode and owner of the file, then each name with the digest of its value: no secret leaves the host.
_SHOW = """\
[ -e "$file" ] || exit 0
stat -c '%a %U:%G' "$file"
while IFS= read -r line || [ -n "$line" ]; do
  digest=$(printf %s "${line#*=}" | sha256sum)
  printf '%s %s\\n' "${line%%=*}" "${digest%% *}"
done <"$file"
"""


def files(host: Inventory) -> Mapping[str, File]:
    """Without a repository there is no program for it."""
    return {"program": entry(host, "restic", "restic")} if host.backup.offsite else {}


def probes(host: Inventory) -> Probes:
    return {**ask_files(files(host), host), "credentials": Ask(lines(f"file={quote(_path(host))}", _SHOW))}


def plan(host: Inventory, facts: Facts) -> Plan:
    attributes, *present = facts.lines("credentials") or ("",)
    path = quote(_path(host))
    if not host.backup.offsite:
        if attributes:
            yield Script(f"remove {path}: backup.offsite is not set any more", f"rm -f {path}")
        return
    yield from compare(facts, files(host))
    differing = _differing(host, dict(line.split(" ") for line in present))
    if differing:
        yield _write(host, ", ".join(differing) if present else "absent")
    elif attributes != "600 root:root":
        yield Script(
            f"set {path} to 0600 root:root (is {attributes})", lines(f"chown root:root {path}", f"chmod 600 {path}")
        )


def _path(host: Inventory) -> str:
    return str(host.paths.state / "offsite.env")


def _differing(host: Inventory, present: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose values differ, are missing, or are not needed."""
    wanted = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in restics(host).items()}
    names = dict.fromkeys((*wanted, *present))
    return tuple(name for name in names if wanted.get(name) != present.get(name))


def _write(host: Inventory, what: str) -> Script:
    return Script(
        f"write {_path(host)} ({what}), unless the repository refuses its password",
        f'{call(host, "offsite", "install")} <"$PAYLOAD"',
        payload=Secret("".join(f"{name}={value}\n" for name, value in restics(host).items())),
    )
