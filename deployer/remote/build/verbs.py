"""`image ACTION`.

- `check SOURCE COMMIT DIRECTORY…`: these directories of a commit can be built from the repository SOURCE alone.
- `build RECIPE TAG API`: an image (see recipe.py), accepted under the name TAG.
- `pull REFERENCE NAME TAG API`: the same for one of a registry; NAME is how releases call it, without a tag.
- `accept CANDIDATE TAG API`: the same for one that is here. With API, the API's address, it is the wallet's.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deployer.remote import output
from deployer.remote.build import image as images
from deployer.remote.build import limits
from deployer.remote.build.accept import accept
from deployer.remote.build.pull import pull
from deployer.remote.build.recipe import Places, parsed
from deployer.remote.build.repository import Repository
from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host


def image(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name. Raises Failure."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: image {'|'.join(ACTIONS)}")
    action(host, words[1:])


def _build(host: Host, words: Sequence[str]) -> None:
    recipe, tag, api = parsed(words[0]), words[1], words[2]
    state = host.config.state
    images.build(host.docker, recipe, Places(host.config.source, state / "docker", state, limits.SLICE), output.say)
    accept(host, recipe.image, tag, api)


def _pull(host: Host, words: Sequence[str]) -> None:
    reference, name, tag, api = words
    pull(host.docker, reference, name)
    accept(host, reference, tag, api, keep=True)


ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {
    "check": lambda host, words: Repository(Path(words[0])).check_complete(words[1], words[2:]),
    "build": _build,
    "pull": _pull,
    "accept": lambda host, words: accept(host, words[0], words[1], words[2]),
}
