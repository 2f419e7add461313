"""Builds one image of a clean export of a commit: no .git, no .env (not even a tracked one), nothing untracked.

It runs on the host or on the operator's machine, and needs nothing secret.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from deployer.remote.build import limits
from deployer.remote.build.recipe import Places, Recipe, Show
from deployer.remote.build.repository import Repository
from deployer.remote.docker import Docker
from deployer.remote.failure import Failure
from deployer.remote.process import Lines
from deployer.remote.stopping_points import reached

SECONDS = 3500.0
EXPORT = "build."
"""With which the names of the directories for exports begin."""
OUT_OF_MEMORY = (
    'the kernel killed the build because memory ran out: set [build] where = "operator" or "registry" '
    "to build elsewhere"
)


def build(docker: Docker, recipe: Recipe, places: Places, show: Show) -> None:
    """Raises Failure where the commit is not complete, or does not build. The export is removed in any case."""
    for left in places.work.glob(f"{EXPORT}*"):
        shutil.rmtree(left)
    repository = Repository(places.source)
    with TemporaryDirectory(prefix=EXPORT, dir=places.work) as made:
        repository.check_complete(recipe.commit, (recipe.context,))
        repository.export(recipe.commit, Path(made))
        with suppress(FileNotFoundError, IsADirectoryError):
            Path(made, ".env").unlink()
        reached("build the image")
        _build(docker, _words(recipe, places, Path(made), show), places.slice, show)


def _words(recipe: Recipe, places: Places, export: Path, show: Show) -> Sequence[str]:
    context = _inside(export, recipe.context)
    if not context.is_dir():
        raise Failure(f"the repository has no directory {recipe.context}")
    file = _inside(export, f"{recipe.context}/{recipe.dockerfile}")
    if not recipe.dockerfile or not file.exists():
        show("using the guide's Dockerfile")
        file = places.tool / recipe.own
    options = {
        "--build-context": [f"tool={places.tool}"],
        "--file": [str(file)],
        "--tag": [recipe.image],
        "--label": [f"deployer.commit={recipe.commit}", f"deployer.inputs={recipe.inputs}"],
        "--target": [recipe.target] if recipe.target else [],
        "--platform": [recipe.platform] if recipe.platform else [],
        "--build-arg": list(recipe.arguments),
    }
    return (*(word for name, values in options.items() for value in values for word in (name, value)), str(context))


def _inside(export: Path, path: str) -> Path:
    """A path of the repository. Raises Failure where a link leads out of it, to files of this machine."""
    found = export / path
    if not found.resolve().is_relative_to(export.resolve()):
        raise Failure(f"{path} is a link that leads out of the repository")
    return found


def _build(docker: Docker, words: Sequence[str], unit: str, show: Show) -> None:
    """Without attestations: where Docker keeps images in containerd they would make an index of several of each."""
    limited, before = limits.apply(unit) if unit else (), limits.killed(unit)
    lines = Lines(show)
    options = ("--load", "--provenance=false", "--progress=plain", *limited)
    result = docker("buildx", "build", *options, *words, limit=SECONDS, on_output=lines)
    lines.end()
    if result.succeeded:
        return
    if unit and limits.killed(unit) > before:
        raise Failure(OUT_OF_MEMORY)
    raise Failure(f"the image could not be built: docker buildx build ended with exit code {result.exit_code}")
