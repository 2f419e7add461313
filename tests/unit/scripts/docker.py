"""A docker command that can as much as is needed to keep releases: images by name, a container to look into."""

from dataclasses import dataclass
from pathlib import Path

_DOCKER = r"""#!/bin/bash
# Of docker what is needed to keep, restore and forget releases. Its images are lines of `images`: NAME ID; the files
# of the wallet's image lie below `wallet`, its containers are lines of `containers`: NAME COMMIT SERVICE STATE;
# what it was asked is kept in `asked`.
here=${0%/*}
echo "$*" >>"$here/asked"
if [ -e "$here/silent" ]; then echo 'Cannot connect to the Docker daemon' >&2; exit 1; fi
id_of() { awk -v name="$1" '$1 == name { id = $2 } END { if (!id) exit 1; print id }' "$here/images"; }
list() {
  local name='^' service='' state=''
  while [ "$#" != 0 ]; do
    case $1 in
      name=*) name=${1#name=} ;;
      label=*.service=*) service=${1##*=} ;;
      status=*) state=${1#status=} ;;
      --format) what=$2 ;;
    esac
    shift
  done
  awk -v name="$name" -v service="$service" -v state="$state" -v names="${what:-}" '
    $1 ~ name && (!service || $3 == service) && (!state || $4 == state) {
      print names == "{{.Names}}" ? $1 : $2
    }' "$here/containers"
}
case "$1 $2" in
  "image inspect") id_of "${!#}" ;;
  "image ls") cut -d' ' -f1 "$here/images" ;;
  "image prune") ;;
  "rmi "*)
    shift
    for name in "$@"; do
      id_of "$name" >/dev/null || exit 1
      awk -v name="$name" '$1 != name' "$here/images" >"$here/images.new" && mv "$here/images.new" "$here/images"
    done ;;
  "tag "*) id=$(id_of "$2") || exit 1; echo "$3 $id" >>"$here/images" ;;
  "create "*) id_of "${!#}" >/dev/null && echo a-container ;;
  "export "*) tar -c -C "$here/wallet" usr ;;
  "rm "*) ;;
  "ps "*) list "$@" ;;
  *) echo "docker: '$*' is not a docker command" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Docker:
    """The command in a directory of its own, which comes first in PATH."""

    directory: Path

    @classmethod
    def made(cls, directory: Path) -> "Docker":
        directory.mkdir()
        command = directory / "docker"
        command.write_text(_DOCKER)
        command.chmod(0o755)
        for name in ("images", "containers", "asked"):
            (directory / name).touch()
        return cls(directory)

    def path(self, rest: str) -> str:
        return f"{self.directory}:{rest}"

    def add(self, name: str, image: str) -> None:
        with (self.directory / "images").open("a") as images:
            images.write(f"{name} {image}\n")

    @property
    def images(self) -> dict[str, str]:
        return dict(line.split(" ") for line in (self.directory / "images").read_text().splitlines())

    @property
    def asked(self) -> list[str]:
        return (self.directory / "asked").read_text().splitlines()

    def run(self, container: str, commit: str, state: str = "running") -> None:
        """A container of a release of this commit; its service is in its name."""
        service = "backend-api" if "-backend-api-" in container else "demo-wallet"
        with (self.directory / "containers").open("a") as containers:
            containers.write(f"{container} {commit} {service} {state}\n")

    def fall_silent(self) -> None:
        (self.directory / "silent").touch()

    def wallet(self, files: dict[str, str]) -> None:
        """What the wallet's image serves."""
        site = self.directory / "wallet" / "usr" / "share" / "nginx" / "html"
        for name, text in files.items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
