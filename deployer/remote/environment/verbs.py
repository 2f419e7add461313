"""`environment ACTION`: the application's .env, whose secrets are made, kept and written here, and never shown.

- `write FILE`: written from the lines in standard input. NAME=[secret] becomes what FILE, which is the operator's, has
  for it, else the last value of that name in .env as it is written there, else 32 new random bytes.
- `restore FILE`: the environment of a kept release with today's secrets. None is made.
- `recover`: the secrets that .env lacks, from the backend that runs.
"""

import json
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deployer.remote import dotenv, files, output
from deployer.remote.docker import BACKEND, running
from deployer.remote.dotenv import Entry, Kind
from deployer.remote.environment.shown import IN_PLACE, PASSWORD, SHORTEST
from deployer.remote.failure import Failure, NotUnderstood
from deployer.remote.host import Host
from deployer.remote.stopping_points import reached
from deployer.remote.survey.environment_facts import content_of

SECRET = "=[secret]"  # noqa: S105 # in place of one
ADDRESS = re.compile(rf"DATABASE_URL=.*{re.escape(IN_PLACE)}.*", re.DOTALL)
PRIVATE = 0o600


def environment(host: Host, words: Sequence[str]) -> None:
    """One of ACTIONS, by its name. Raises Failure."""
    action = ACTIONS.get(words[0] if words else "")
    if action is None:
        raise NotUnderstood(f"usage: environment {'|'.join(ACTIONS)}")
    action(host, words[1:])


def _write(host: Host, words: Sequence[str]) -> None:
    wanted = dotenv.decoded(sys.stdin.buffer.read()).removesuffix("\n").split("\n")
    supplied = tuple(dotenv.entries(files.read(Path(words[0]))))
    present = tuple(dotenv.entries(content_of(host.config.environment) or b""))

    def value(name: str) -> str:
        entry = dotenv.last(supplied, name) or dotenv.last(present, name)
        return entry.text if entry else secrets.token_urlsafe(SHORTEST)

    _put(host, tuple(_filled(host, wanted, value)))


def _filled(host: Host, wanted: Iterable[str], value: Callable[[str], str]) -> Iterator[str]:
    """The lines with their secrets. In a URL the password of the database is without the quotes of .env."""
    password = ""
    for line in wanted:
        name = line.removesuffix(SECRET)
        if ADDRESS.fullmatch(line):
            if not password:
                raise Failure(f"{host.config.environment} has no {PASSWORD}")
            yield line.replace(IN_PLACE, password, 1)
        elif name != line:
            text = value(name)
            password = Entry(Kind.VARIABLE, "", name, text).value if name == PASSWORD else password
            yield f"{name}={text}"
        else:
            yield line


def _put(host: Host, lines: Sequence[str]) -> None:
    path = host.config.environment
    content = dotenv.encoded("".join(f"{line}\n" for line in lines))
    path.parent.mkdir(parents=True, exist_ok=True)
    reached("write .env")
    if content_of(path) != content or path.stat().st_mode & 0o777 != PRIVATE:
        files.write(path, content, PRIVATE)


def _restore(host: Host, words: Sequence[str]) -> None:
    """Every variable that is now a secret stays one. A secret of then that nobody has any more is left out."""
    former, content = files.read(Path(words[0])), content_of(host.config.environment) or b""
    present = {entry.name: entry.text for entry in dotenv.entries(content) if entry.name}
    listed = tuple(dict.fromkeys((*dotenv.listed_secrets(former), *dotenv.listed_secrets(content))))
    if not any(dotenv.is_secret(name, host.config.secret_words, listed) for name in present):
        raise Failure(f"{host.config.environment} is lost, and its secrets with it: run `deployer provision`")
    first, *others = _without_list(former)
    names = (dotenv.secrets_line(listed),) if listed else ()
    wanted = (first, *names, *others, *_further(host, others, present, listed))
    kept = (line for line in wanted if not line.endswith(SECRET) or line.removesuffix(SECRET) in present)
    _put(host, tuple(_filled(host, kept, lambda name: present[name])))


def _without_list(former: bytes) -> Sequence[str]:
    lines = dotenv.decoded(former).removesuffix("\n").split("\n")
    return [line for line in lines if not line.startswith(dotenv.LISTED)] or [""]


def _further(host: Host, lines: Sequence[str], present: Mapping[str, str], listed: Sequence[str]) -> Iterator[str]:
    """The secrets of today that a release did not have."""
    known = {line.partition("=")[0] for line in lines}
    for name in sorted({*present, *listed} - known):
        if dotenv.is_secret(name, host.config.secret_words, listed):
            yield f"{name}{SECRET}"


def _recover(host: Host, words: Sequence[str]) -> None:
    """Add them at the end; those of the image are none. Raises Failure where no backend runs."""
    content = content_of(host.config.environment) or b""
    present = {entry.name for entry in dotenv.entries(content)}
    listed = dotenv.listed_secrets(content)
    found = {
        name: value
        for name, value in _running_environment(host).items()
        if name not in present and dotenv.is_secret(name, host.config.secret_words, listed) and name != "DATABASE_URL"
    }
    lines = dotenv.decoded(content).removesuffix("\n").split("\n") if content else []
    _put(host, (*lines, *(dotenv.line(name, value) for name, value in found.items())))
    output.say(f"recovered {', '.join(found) or 'nothing: no secret is missing'}: run `deployer provision`")


def _running_environment(host: Host) -> Mapping[str, str]:
    ids = running(host.docker, host.config.name, BACKEND)
    if not ids:
        raise Failure("no backend runs from which the secrets could be taken")
    (item,) = json.loads(_inspected(host, "inspect", ids[0]))
    (image,) = json.loads(_inspected(host, "image", "inspect", item["Image"]))
    defaults = image["Config"].get("Env") or ()
    pairs = (variable.partition("=") for variable in item["Config"].get("Env") or () if variable not in defaults)
    return {name: value for name, _, value in pairs}


def _inspected(host: Host, *words: str) -> bytes:
    result = host.docker(*words)
    if not result.succeeded:
        raise Failure(result.last_lines)
    return result.output


ACTIONS: Mapping[str, Callable[[Host, Sequence[str]], None]] = {
    "write": _write,
    "restore": _restore,
    "recover": _recover,
}
