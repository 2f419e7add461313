"""What the host's log says of the releases, and what their directories say: the log alone is not trusted.

A line may be damaged, and a release may have none. Until the log is repaired nothing is removed because of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.engine.changes import Script
from deployer.engine.facts import Ask
from deployer.engine.host_program import run
from deployer.inventory.model import Inventory
from deployer.releases.log import SERVING, Release, parse
from deployer.text.shell import quote

LATEST = 200
"""Releases of the log that are asked for: those before them are not kept."""

_LINES = r"""
/^\{"id": "[0-9A-Za-z_-]+", "time": "[^"]*", .*"result": "(deployed|restored|failed)".*\}$/ {
  if ($0 ~ /"result": "(@SERVING@)"/) { current = $0; split($0, words, "\""); served[++count] = words[4] }
  next
}
NF { damaged++ }
END {
  print damaged + 0; print current
  for (number = count; number > 0 && number > count - @LATEST@; number--) print "served " served[number]
}""".replace("@SERVING@", "|".join(SERVING)).replace("@LATEST@", str(LATEST))


@dataclass(frozen=True)
class History:
    """`served` are ids, latest first, of the readable lines; `kept` those of the directories."""

    damaged: int = 0
    current: Release | None = None
    served: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Releases that are kept and have no line."""
        return tuple(name for name in self.kept if name not in self.served)

    @property
    def is_complete(self) -> bool:
        return not self.damaged and not self.unrecorded

    def keep(self, number: int) -> tuple[str, ...]:
        """The releases that are retained besides the next one: so many, or all while the log is not complete."""
        return self.served[:number] if self.is_complete else tuple(dict.fromkeys((*self.served, *self.kept)))


def ask_history(host: Inventory) -> Ask:
    """The number of damaged lines, the line of the serving release, then `served ID` and `kept ID`."""
    log, kept = quote(host.paths.release_log), quote(host.paths.releases)
    return Ask(
        f"if [ -e {log} ]; then awk {quote(_LINES)} {log} || exit 3; else echo 0; echo; fi\n"
        f"for kept in {kept}/*/services; do\n"
        '  [ ! -e "$kept" ] || { kept=${kept%/*}; echo "kept ${kept##*/}"; }\n'
        "done"
    )


def history(answer: str) -> History:
    """From the answer to `ask_history`."""
    damaged, line, *others = (*answer.split("\n"), "", "")
    names = [other.split(" ") for other in others if other]
    served = tuple(dict.fromkeys(words[1] for words in names if words[0] == "served"))
    current = next(iter(parse(line)), None)
    unreadable = int(bool(line) and current is None)
    return History(int(damaged or 0) + unreadable, current, served, tuple(n for kind, n in names if kind == "kept"))


def repair(host: Inventory, found: History) -> Iterator[Script]:
    """The log with its readable lines, and with a line for each release that is kept."""
    if found.is_complete:
        return
    parts = (
        *((f"{found.damaged} damaged lines",) if found.damaged else ()),
        *((f"no line for {', '.join(found.unrecorded)}",) if found.unrecorded else ()),
    )
    log = host.paths.release_log
    why = f"repair {log} ({'; '.join(parts)}): rebuilt from the releases that are kept, which all stay"
    yield Script(why, run(host, "releases", "repair"))
