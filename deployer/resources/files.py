"""Compare files on the host with the desired ones and plan the writes."""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from deployer.engine.changes import Change, File, Script, WriteFiles
from deployer.engine.facts import Ask, Facts
from deployer.engine.host_program import ask
from deployer.inventory.model import Inventory
from deployer.text.shell import lines, quote, sh


@dataclass(frozen=True)
class FileState:
    """A file on the host: `kind` is "" when there is none; `content` only when it differs from the desired one."""

    kind: str
    mode: int = 0
    owner: str = ""
    digest: str = ""
    content: str = ""


def ask_file(file: File, host: Inventory | None = None, *, show: bool = True) -> Ask:
    """Mode, owner and digest of a file, and its content where it differs (never with show=False: secrets).

    With a host its host program is asked, which answers as the script does.
    """
    path = quote(file.path)
    wanted = hashlib.sha256(file.content).hexdigest()
    content = f'[ "$sum" = {wanted} ] || cat {path}' if show else ":"
    text = (
        f"[ -e {path} ] || [ -L {path} ] || exit 0\n"
        f"stat -c '%F/%a/%U:%G' {path}\n"
        f"[ -f {path} ] && [ ! -L {path} ] || exit 0\n"
        f'sum=$(sha256sum <{path}); sum=${{sum%% *}}; echo "$sum"; {content}'
    )
    words = ("file", str(file.path), *((wanted,) if show else ()))
    return ask(host, *words, otherwise=text) if host else Ask(text)


def ask_files(files: Mapping[str, File], host: Inventory) -> Mapping[str, Ask]:
    return {name: ask_file(file, host) for name, file in files.items()}


def file_state(answer: str) -> FileState:
    """Parse the answer to `ask_file`."""
    if not answer:
        return FileState("")
    head, _, rest = answer.partition("\n")
    kind, mode, owner = head.split("/")
    digest, _, content = rest.partition("\n")
    return FileState(kind, int(mode, 8), owner, digest, content)


def compare(facts: Facts, files: Mapping[str, File], *, check: str = "", show: bool = True) -> Iterator[Change]:
    """Changes after which the files are as desired; those to be written travel and are checked together."""
    states = {name: file_state(facts[name]) for name in files}
    wrong = tuple(file for name, file in files.items() if not _same_content(states[name], file))
    if wrong:
        diffs = (_difference(states[name], file) for name, file in files.items() if file in wrong)
        why = ", ".join(_why(states[name], file) for name, file in files.items() if file in wrong)
        yield WriteFiles(f"write {why}", wrong, "".join(diffs) if show else "", check)
    for name, file in files.items():
        if file not in wrong:
            yield from _correct_attributes(states[name], file)


def _same_content(state: FileState, file: File) -> bool:
    return state.digest == hashlib.sha256(file.content).hexdigest()


def _why(state: FileState, file: File) -> str:
    if not state.kind:
        return f"{file.path} (absent)"
    return f"{file.path} ({'content differs' if state.digest else f'is a {state.kind}'})"


def _difference(state: FileState, file: File) -> str:
    new, old = file.content.decode(errors="replace").splitlines(), state.content.splitlines()
    difference = difflib.unified_diff(old, new, f"host:{file.path}", f"wanted:{file.path}", lineterm="")
    return "".join(f"{line}\n" for line in difference)


def _correct_attributes(state: FileState, file: File) -> Iterator[Change]:
    owner = f"{file.owner}:{file.group}"
    if (state.mode, state.owner) != (file.mode, owner):
        yield Script(
            f"set {file.path} to {file.mode:04o} {owner} (is {state.mode:04o} {state.owner})",
            lines(sh("chown", owner, file.path), sh("chmod", f"{file.mode:04o}", file.path)),
        )


@dataclass(frozen=True)
class Directory:
    """A desired directory; with an empty `owner` any owner is right."""

    path: PurePosixPath
    mode: int = 0o755
    owner: str = "root:root"


def ask_directories(directories: Sequence[Directory], host: Inventory) -> Ask:
    """One line for each directory that is there: path, mode, owner."""
    paths = [str(directory.path) for directory in directories]
    text = f'for path in {sh(*paths)}; do [ -d "$path" ] && stat -L -c "%n|%a|%U:%G" "$path"; done; true'
    return ask(host, "directories", *paths, otherwise=text)


def compare_directories(answer: str, directories: Sequence[Directory]) -> Iterator[Change]:
    states = {line.split("|")[0]: tuple(line.split("|")[1:]) for line in answer.splitlines()}
    for directory in directories:
        state = states.get(str(directory.path))
        if state is None:
            yield Script(f"create {directory.path} ({directory.mode:04o})", _create(directory))
        elif (int(state[0], 8), state[1]) != (directory.mode, directory.owner or state[1]):
            yield Script(
                f"set {directory.path} to {directory.mode:04o} {directory.owner} (is 0{state[0]} {state[1]})",
                _create(directory),
            )


def _create(directory: Directory) -> str:
    commands = [sh("mkdir", "-p", directory.path), sh("chmod", f"{directory.mode:04o}", directory.path)]
    if directory.owner:
        commands.append(sh("chown", directory.owner, directory.path))
    return lines(*commands)
