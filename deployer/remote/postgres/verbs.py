"""`postgres ACTION`.

- `state IMAGE`: lines of `data=VERSION`, `image=present VERSION`, `login=accepted`; each is empty where that is not so.
- `start IMAGE`: a new container, of this image as docker-compose.yml names it, then `agree`.
- `agree [FILE]`: the application's role gets the password of .env, or of FILE.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deployer.remote import output
from deployer.remote.failure import NotUnderstood
from deployer.remote.host import Host
from deployer.remote.postgres import data, password, server


def postgres(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name. Raises Failure."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: postgres {'|'.join(ACTIONS)}")
    action(host, words[1:])


def _state(host: Host, words: Sequence[str]) -> None:
    version = data.version_of_image(host, words[0])
    output.say(f"data={data.version_of_data(host)}")
    output.say(f"image={'' if version is None else f'present {version}'}")
    output.say(f"login={'accepted' if password.is_accepted(host) else ''}")


def _start(host: Host, words: Sequence[str]) -> None:
    server.start(host, words[0])
    password.agree(host)


def _agree(host: Host, words: Sequence[str]) -> None:
    password.agree(host, Path(words[0]) if words else None)


ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {"state": _state, "start": _start, "agree": _agree}
