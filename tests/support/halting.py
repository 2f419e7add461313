"""A host-side script that stands still at one command: programs of its own that wait before they do what was asked.

halt = Halt(host)
halt.at(r"^mv -T .*/data$")
...  # until halt.REACHED holds on the host: the script stands before that command, and nothing of it is done
halt.go()
"""

from dataclasses import dataclass

from testbed.host import TestHost

PROGRAMS = ("mv", "rm", "cp", "touch", "tar", "openssl", "docker", "systemd-run")
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

    def go(self) -> None:
        """Let it go on, or forget the point where it was not reached."""
        self.host.exec(
            f"[ ! -e {PLACE}/reached ] || timeout 20 bash -c 'echo >{PLACE}/go'; rm -rf {PLACE}", check=False
        )

    def forget(self) -> None:
        """Take it all away: what stands there was ended by other means."""
        self.host.exec(f"rm -rf {PLACE} {' '.join(f'/usr/local/bin/{program}' for program in PROGRAMS)}")
