"""Changes as a job: the directory that `runner.sh` works through, packed as one tar stream."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from deployer.engine.changes import Change, File, Gate, OutsideCheck, Script, SecondLogin, Send, WriteFiles
from deployer.engine.program import script


@dataclass(frozen=True)
class Job:
    """The changes of one step, in order; the runner masks the secrets of `env_file`."""

    title: str
    changes: Sequence[Change]
    env_file: PurePosixPath

    @property
    def limit(self) -> float:
        """Seconds after which no part of the job can still be running."""
        return sum(_limit(change) + 60 for change in self.changes) + 600


def pack(job: Job) -> bytes:
    """The job's directory as a tar stream; owners travel by name and are looked up on the host."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in _files(job):
            archive.addfile(*_member(file))
    return buffer.getvalue()


def _files(job: Job) -> Iterator[File]:
    yield _text("runner.sh", script("engine/mask.sh") + script("engine/runner.sh"))
    yield _text("title", job.title + "\n")
    yield _text("env_file", str(job.env_file))
    yield _text("plan", "".join(_line(number, change) for number, change in enumerate(job.changes, 1)))
    if any(isinstance(change, Script) and change.critical for change in job.changes):
        yield _text("critical", "")
    for number, change in enumerate(job.changes, 1):
        yield from _parts(number, change)
    yield _text("complete", "")  # last: without it the stream was truncated where tar sees no error


def _line(number: int, change: Change) -> str:
    match change:
        case WriteFiles():
            return f"{number} files 60 0\n"
        case Gate(within=within, pause=pause):
            return f"{number} gate {within} {pause}\n"
        case Script(within=within):
            return f"{number} run {within} 0\n"
        case SecondLogin() | OutsideCheck() | Send():
            raise AssertionError("this is done from the operator's side, not by a job")


def _parts(number: int, change: Change) -> Iterator[File]:
    if isinstance(change, WriteFiles):
        for file in change.files:
            yield replace(file, path=PurePosixPath(f"files/{number}{file.path}"))
    for name, text in _texts(change).items():
        if text:
            yield _text(f"{number}.{name}", text)


def _texts(change: Change) -> dict[str, str]:
    """A change's scripts by the ending of their names, as the runner looks for them."""
    match change:
        case WriteFiles(check=check):
            return {"sh": check}
        case Script(script=text, undo=undo, payload=payload):
            return {"sh": text, "undo.sh": undo, "payload": payload.reveal() if payload else ""}
        case Gate(script=text, explain=explain):
            return {"sh": text, "explain.sh": explain}
        case SecondLogin() | OutsideCheck() | Send():
            return {}


def _limit(change: Change) -> int:
    return change.within if isinstance(change, Script | Gate) else 60


def _text(name: str, content: str) -> File:
    return File(PurePosixPath(name), content.encode(), mode=0o600)


def _member(file: File) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(str(file.path))
    info.size, info.mode = len(file.content), file.mode
    info.uname, info.gname = file.owner, file.group
    return info, io.BytesIO(file.content)
