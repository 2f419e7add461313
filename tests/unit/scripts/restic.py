"""A restic that says what it is told to, and keeps what it was asked with; and backups as small as they can be."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deployer.backups.scripts.backup import offsite_functions
from deployer.inventory.model import Inventory
from tests.support.fakes import inventory, run_here

_RESTIC = r"""#!/bin/bash
# Answers SUBCOMMAND by the file of its name in `answers` (first line: the exit code), else with success. A snapshot is
# kept for each backup; `argv` and `env` are kept for all.
here=${0%/*}
printf '%s\n' "$*" >>"$here/argv"
env >>"$here/env"
for word in "$@"; do
  case $word in cat|init|unlock|backup|snapshots|forget|check|restore) what=$word; break ;; esac
done
if [ -e "$here/answers/$what" ]; then
  tail -n +2 "$here/answers/$what"
  code=$(head -n 1 "$here/answers/$what")
  if [ "$what" != backup ]; then exit "$code"; fi
fi
case $what in
  snapshots) printf '[%s]\n' "$(cat "$here"/snapshots/* 2>/dev/null | paste -sd ',')" ;;
  backup)
    tags=$(printf '%s\n' "$@" | grep -A 1 -x -e --tag | grep -v -e '^--' | sed 's/.*/"&"/' | paste -sd ',')
    number=$(printf '%064x' "$(ls "$here/snapshots" | wc -l)")
    printf '{"time": "2026-01-02T03:04:05Z", "tags": [%s], "id": "%s"}\n' \
      "$tags" "$number" >"$here/snapshots/$number" ;;
  forget) for word in "$@"; do rm -f "$here/snapshots/$word"; done ;;
esac
exit "${code:-0}"
"""
PASSWORD = "open-sesame-0815"


@dataclass(frozen=True)
class Restic:
    """The program, and a host's backups and credentials, in one directory."""

    directory: Path

    @classmethod
    def made(cls, directory: Path) -> "Restic":
        made = cls(directory)
        for name in ("answers", "snapshots", "root/.deployer", "backups"):
            (directory / name).mkdir(parents=True)
        (directory / "restic").write_text(_RESTIC)
        (directory / "restic").chmod(0o755)
        made.credentials.write_text(f"RESTIC_REPOSITORY=sftp:user@host:/path\nRESTIC_PASSWORD={PASSWORD}\n")
        return made

    @property
    def host(self) -> Inventory:
        secrets = {"RESTIC_PASSWORD": PASSWORD}
        host = inventory(secrets, name="unit", backup={"offsite": "sftp:user@host:/path"})
        backup = host.backup.model_copy(update={"directory": PurePosixPath(self.directory / "backups")})
        return host.model_copy(update={"root": PurePosixPath(self.directory / "root"), "backup": backup})

    @property
    def credentials(self) -> Path:
        return self.directory / "root/.deployer/offsite.env"

    @property
    def asked(self) -> list[str]:
        """The arguments of each call, in order."""
        file = self.directory / "argv"
        return file.read_text().splitlines() if file.exists() else []

    def answer(self, what: str, code: int, said: str) -> None:
        (self.directory / "answers" / what).write_text(f"{code}\n{said}\n")

    def run(self, *commands: str, **environ: str) -> tuple[int, str]:
        """The functions that a host has, then the commands: exit code, and all that was said."""
        path = f"PATH={self.directory}:$PATH"
        text = "\n".join((path, offsite_functions(self.host), *commands))
        ran = run_here(text, **environ)
        return ran.returncode, ran.stdout + ran.stderr

    def backup(self, day: int) -> str:
        """One that is whole, of this day of January."""
        name = f"unit_202601{day:02d}_030405"
        place = self.directory / "backups" / name
        place.mkdir()
        parts = [_part(place, part) for part in ("volumes", "config", "ssl", "files")]
        told = {"id": name, "time": f"2026-01-{day:02d}T03:04:05Z", "bytes": 4, "release": {"id": "r1"}, "parts": parts}
        (place / "manifest.json").write_text(json.dumps(told))
        files = sorted(path for path in place.iterdir())
        sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
        (place / "SHA256SUMS").write_text("".join(sums))
        return name


def _part(place: Path, part: str) -> dict[str, object]:
    file = place / f"{place.name}_{part}.tar.gz"
    file.write_text("x")
    return {"part": part, "file": file.name, "bytes": 1}
