"""A host of this machine that has something to back up: real bash, tar, zstd; Docker and systemd are small programs.

Docker here knows two containers of the backend. What the application does while a backup reads is bash that is run when
they are about to be paused.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deployer.backups.catalogue import Backup, parse
from deployer.backups.scripts.backup import backup_functions
from deployer.inventory.model import Inventory
from deployer.text.shell import lines
from tests.support.fakes import bed

_DOCKER = r"""#!/bin/bash
# Its files: `containers` (NAME STATE), `asked`, `before-pause`; `silent`, `unpausable`, `stuck` make commands fail.
here=${0%/*}
echo "$*" >>"$here/asked"
if [ -e "$here/silent" ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi
put() {
  local state=$1
  shift
  for name in "$@"; do sed -i "s/^$name .*/$name $state/" "$here/containers"; done
}
case $1 in
  ps) sed -n "s/ $(sed -E 's/.*status=([a-z]+).*/\1/' <<<"$*")$//p" "$here/containers" ;;
  pause)
    if [ -e "$here/unpausable" ]; then echo "cannot pause container: no cgroup" >&2; exit 1; fi
    if [ -e "$here/before-pause" ]; then bash -eu "$here/before-pause" >>"$here/asked" 2>&1; fi
    put paused "${@:2}" ;;
  unpause) [ ! -e "$here/stuck" ] || exit 1; put running "${@:2}" ;;
  *) exit 1 ;;
esac
"""
_SYSTEMD_RUN = r"""#!/bin/bash
# Remembers the timer's command; a second one of its name is refused.
here=${0%/*}
if [ -e "$here/timer" ] || [ -e "$here/no-timers" ]; then echo "Unit was already loaded" >&2; exit 1; fi
while [[ $1 == --* ]]; do shift; done
echo "$*" >"$here/timer"
"""
_SYSTEMCTL = r"""#!/bin/bash
here=${0%/*}
case $1 in
  stop) rm -f "$here/timer" ;;
  is-active) if [ -e "$here/timer" ]; then echo active; else echo inactive; exit 3; fi ;;
esac
"""
BACKENDS = ("backend-1", "backend-2")


@dataclass(frozen=True)
class Shop:
    """One host; `run` is bash with the functions of a backup."""

    host: Inventory
    root: Path
    commands: Path
    directory: Path

    def run(
        self, *commands: str, keep: Mapping[str, str] | None = None, as_job: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """As the runner starts it, or as cron does; `keep` replaces parameters of the inventory."""
        changed = [f"{name}={value}" for name, value in (keep or {}).items()]
        text = lines(backup_functions(self.host), *changed, *commands)
        mode = ["-euo", "pipefail"] if as_job else ["-u"]
        environment = {**os.environ, "PATH": f"{self.commands}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", *mode, "-c", text], capture_output=True, text=True, timeout=60, check=False, env=environment
        )

    def backup(self) -> str:
        """The id of the backup that this makes."""
        ran = self.run("backup")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stderr == ""
        assert self.left_over == []
        return self.complete[-1]

    def refused(self, *before_it: str, keep: Mapping[str, str] | None = None, as_job: bool = True) -> str:
        """What is said of a backup that fails, after these commands; it leaves nothing, and nobody paused."""
        before = self.complete
        ran = self.run(*before_it, "backup", keep=keep, as_job=as_job)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert ran.stderr == ""
        assert (self.left_over, self.complete) == ([], before)
        return ran.stdout

    def during(self, *commands: str) -> None:
        """What the application does between the first look and the moment it stands still."""
        (self.commands / "before-pause").write_text(lines(f"cd {self.root}", *commands))

    def known(self) -> tuple[Backup, ...]:
        return parse(self.run("list_backups").stdout)

    @property
    def complete(self) -> list[str]:
        return [one.id for one in self.known() if not one.problem]

    @property
    def asked(self) -> list[str]:
        return (self.commands / "asked").read_text().splitlines()

    @property
    def pauses(self) -> list[str]:
        """What was asked of Docker to hold containers still, and to let them go on."""
        return [asked for asked in self.asked if asked.split()[0] in ("pause", "unpause")]

    def await_paused(self) -> None:
        """A Docker that was asked to pause does so, also when who asked was killed meanwhile."""
        words = f"until ! grep -qv paused {self.commands}/containers; do sleep 0.02; done"
        subprocess.run(["timeout", "20", "bash", "-c", words], check=True)

    @property
    def left_over(self) -> list[str]:
        """What a backup must not leave: half-made ones, copies set aside, a pause, a timer."""
        hidden = [path.name for path in self.directory.glob(".*")] if self.directory.is_dir() else []
        staged = [str(path) for path in (self.root / ".deployer").glob("staged*")]
        paused = [line for line in (self.commands / "containers").read_text().splitlines() if "paused" in line]
        timers = [path.name for path in self.commands.glob("timer")]
        scratch = [path.name for path in Path("/run").glob(f"deployer-{self.host.name}.backup*")]
        return [*hidden, *staged, *paused, *timers, *scratch]

    def unpacked(self, backup: str, to: Path) -> Path:
        """The data and logs of a backup, by nothing but tar and zstd."""
        to.mkdir()
        archive = self.directory / backup / f"{backup}_volumes.tar.zst"
        words = ["tar", "-C", str(to), "--zstd", "--xattrs", "--xattrs-include=*", "-xpf", str(archive)]
        subprocess.run(words, check=True, capture_output=True)
        return to

    def listed(self, backup: str) -> dict[str, dict[str, object]]:
        """What the backup says that there was, by path."""
        ran = self.run(f"listing_of {self.directory}/{backup}")
        entries = [json.loads(line) for line in ran.stdout.splitlines()]
        return {str(entry["path"]): entry for entry in entries}


@contextmanager
def shop(place: Path) -> Iterator[Shop]:
    """Open one below this directory."""
    with bed(place) as here:
        backup = here.host.backup.model_copy(update={"directory": PurePosixPath(place / "backups")})
        host = here.host.model_copy(update={"backup": backup})
        commands = place / "programs"
        commands.mkdir()
        for name, text in (("docker", _DOCKER), ("systemd-run", _SYSTEMD_RUN), ("systemctl", _SYSTEMCTL)):
            (commands / name).write_text(text)
            (commands / name).chmod(0o755)
        (commands / "asked").touch()
        (commands / "containers").write_text("".join(f"{name} running\n" for name in BACKENDS))
        _fill(here.root, host)
        yield Shop(host, here.root, commands, place / "backups")
        shutil.rmtree(f"/run/deployer-{host.name}.backup", ignore_errors=True)


def _fill(root: Path, host: Inventory) -> None:
    texts = {
        "data/records.jsonl": "one\n",
        "data/kept/still.txt": "as it was\n",
        "logs/api.log": "a line\n",
        ".env": "API_SECRET_KEY=hidden\n",
        "docker-compose.yml": "services: {}\n",
        "nginx/nginx.conf": "events {}\n",
        f"nginx/conf.d/{host.name}.conf": "server {}\n",
        "nginx/ssl/privkey.pem": "key\n",
        ".deployer/releases.jsonl": '{"id": "r1", "commit": "abc", "result": "deployed"}\n',
    }
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    long_ago = 1_600_000_000 * 10**9 + 123_456_789
    for path in (root / "data" / "kept" / "still.txt", root / "data" / "kept"):
        os.utime(path, ns=(long_ago, long_ago))
