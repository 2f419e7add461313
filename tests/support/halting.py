"""A host-side script that stands still at one command: programs of its own that wait before they do what was asked.

halt = Halt(host)
halt.at(r"^docker stop .*$")
...  # until halt.REACHED holds on the host: the script stands before that command, and nothing of it is done
halt.go()

The host program stands still at one of its own points, too, by the name that it has there.
"""

from dataclasses import dataclass

from deployer.remote.stopping_points import VARIABLE
from testbed.host import TestHost

PROGRAMS = ("tar", "zstd", "docker", "systemd-run")
PYTHON = "/usr/local/bin/python3"
PLACE = "/run/halt"
REACHED = f"[ -e {PLACE}/reached ]"

_PROGRAM = f"""#!/bin/bash
# Stands still once, where its words match {PLACE}/at; goes on when {PLACE}/go is written to.
name=${{0##*/}}
if [ -e {PLACE}/at ] && [[ "$name $*" =~ $(<{PLACE}/at) ]] && /usr/bin/mv {PLACE}/at {PLACE}/reached 2>/dev/null; then
  read -r _ <{PLACE}/go
fi
exec "/usr/bin/$name" "$@"
"""
_PYTHON = f"""#!/bin/bash
export {VARIABLE}={PLACE}
exec /usr/bin/python3 "$@"
"""


@dataclass(frozen=True)
class Halt:
    """Where the next script stands still on this host."""

    host: TestHost

    def at(self, words: str) -> None:
        """Before the next command that matches."""
        first, *further = (f"/usr/local/bin/{program}" for program in PROGRAMS)
        self.host.write(first, _PROGRAM, "755")
        self.host.exec(
            f"for place in {' '.join(further)}; do cmp -s {first} $place || cp -p {first} $place; done\n"
            f"rm -rf {PLACE}; mkdir {PLACE}; mkfifo {PLACE}/go; cat >{PLACE}/at",
            stdin=words.encode(),
        )

    def at_point(self, name: str) -> None:
        """When the host program comes to its point of this name."""
        self.host.write(PYTHON, _PYTHON, "755")
        self.host.exec(f"rm -rf {PLACE}; mkdir {PLACE}; cat >{PLACE}/at", stdin=name.encode())

    def go(self) -> None:
        """Let it go on, or forget the point where it was not reached."""
        waits = f"[ -e {PLACE}/reached ] && [ -e {PLACE}/go ]"  # a program that stands still; a point needs no more
        self.host.exec(f"! {{ {waits}; }} || timeout 20 bash -c 'echo >{PLACE}/go'; rm -rf {PLACE}", check=False)

    def forget(self) -> None:
        """Take it all away: what stands there was ended by other means."""
        programs = (PYTHON, *(f"/usr/local/bin/{program}" for program in PROGRAMS))
        self.host.exec(f"rm -rf {PLACE} {' '.join(programs)}")
