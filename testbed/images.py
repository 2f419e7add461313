"""The images of the bed: what a host boots from, the services, and stand-ins for official images.

Each image is a directory in ``recipes/`` with a Dockerfile. Its tag is a digest of everything that went
into it, so an image that exists is up to date; it gets that tag last, so a half-made one is never found.
"""

import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from testbed.machine import Machine, read_machine
from testbed.places import RECIPE_LABEL, RECIPES, REPOSITORY, digest_of, exclusive
from testbed.rootfs import ensure_base
from testbed.shell import docker, progress

BUILD_SECONDS = 900


@dataclass(frozen=True)
class Recipe:
    """Which directory is built upon what; `suite` is a Debian release, `upon` another recipe."""

    name: str
    suite: str = ""
    upon: str = ""
    stands_for: str = ""


RECIPES_BY_NAME = {
    recipe.name: recipe
    for recipe in (
        Recipe("services", suite="trixie"),
        Recipe("host", suite="trixie"),
        Recipe("shells", upon="host"),
        Recipe("nginx", suite="forky", stands_for="nginx:alpine"),
        Recipe("python", suite="bookworm", stands_for="python:3.11-slim"),
        Recipe("node", suite="bookworm", stands_for="node:18-alpine"),
        Recipe("postgres", suite="bookworm", stands_for="postgres:15"),
        Recipe("hello", upon="services", stands_for="hello-world:latest"),
    )
}
STAND_INS = tuple(recipe for recipe in RECIPES_BY_NAME.values() if recipe.stands_for)


def ensure_image(name: str, apt_proxy: str = "", distribution: str = "") -> str:
    """Given a recipe's name, build it if it is not there (upon what it needs) and give its reference.

    `distribution` is what a host is instead of the usual one: a Debian release or an image's name.
    """
    recipe = RECIPES_BY_NAME[name]
    if recipe.upon:
        base = ensure_image(recipe.upon, apt_proxy, distribution)
    else:
        base = ensure_base(_base_of(recipe, distribution), apt_proxy)
    context = _context(recipe, read_machine())
    reference = f"{REPOSITORY}/{name}:{digest_of(base, context)}"
    if not exists(reference):
        with exclusive(f"image-{name}"):
            if not exists(reference):
                _build(recipe, base, context, reference, apt_proxy)
    return reference


def exists(reference: str) -> bool:
    """Whether the engine has this image."""
    return docker("image", "inspect", "--format", "{{.Id}}", reference, check=False).returncode == 0


def remove_images() -> int:
    """Remove all images of the bed that no container uses, old ones and current ones; say how many."""
    form = "{{.Repository}}:{{.Tag}}"
    listed = docker("images", "--filter", f"reference={REPOSITORY}/*", "--format", form).stdout.split()
    return sum(docker("rmi", reference, check=False).returncode == 0 for reference in listed)


def _base_of(recipe: Recipe, distribution: str) -> str:
    """The host may be another distribution (TEST_HOST_IMAGE); all else is Debian of a certain
    release.
    """
    if recipe.name != "host":
        return recipe.suite
    return distribution or os.environ.get("TEST_HOST_IMAGE", "") or recipe.suite


def _build(recipe: Recipe, base: str, context: bytes, reference: str, apt_proxy: str) -> None:
    half_made = f"{REPOSITORY}/{recipe.name}:half-made-{os.getpid()}"
    arguments = ["--build-arg", f"BASE={base}", "--label", f"{RECIPE_LABEL}={recipe.name}", "--force-rm"]
    if apt_proxy:
        arguments += ["--build-arg", f"http_proxy={apt_proxy}"]
    with progress(f"building the image {recipe.name}"):
        docker("build", "--tag", half_made, *arguments, "-", stdin=context, seconds=BUILD_SECONDS)
        docker("tag", half_made, reference)
        docker("rmi", half_made)


def _context(recipe: Recipe, machine: Machine) -> bytes:
    """The build context as a tar archive that is the same for the same content."""
    files = _files(RECIPES / recipe.name, "") | _files(RECIPES / "common", "common/")
    files |= {f"common/testbed-{index}.crt": f"{text}\n".encode() for index, text in enumerate(machine.certificates)}
    files |= {"common/pip.conf": machine.pip_conf.encode(), "common/npmrc": machine.npmrc.encode()}
    return pack({name: (content, 0o755 if content.startswith(b"#!") else 0o644) for name, content in files.items()})


def _files(directory: Path, prefix: str) -> dict[str, bytes]:
    return {prefix + path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}


def pack(files: dict[str, tuple[bytes, int]]) -> bytes:
    """Given contents and modes by name, make a tar archive owned by root, with no time in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
