"""`logs`: print the logs of the containers, or a log file; every secret is masked here.

    logs [NAME] --lines N [--since=TIME] [--grep=TEXT] [--follow]

NAME is a service of Compose or one of FILES. The application and the proxy write the files: only regular ones are read,
and no link is followed. `--follow` ends when standard input does, or when nothing reads the output any more.
"""

import os
import select
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from deployer.remote import handles, output
from deployer.remote.docker import existing
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.masked import masked
from deployer.remote.masking import secrets_of
from deployer.remote.tail import Tail

FILES: Mapping[str, tuple[str, ...]] = {
    "access": ("{root}", "nginx", "logs", "access.log"),
    "error": ("{root}", "nginx", "logs", "error.log"),
    "audit": ("{root}", "logs", "audit.log"),
    "renew": ("/var/log", "{name}-renew.log"),
}
"""The log files: a directory of the administrator, and the names below it."""
STDIN, STDOUT = 0, 1
LONGEST = 1 << 20
"""Bytes after which a line is ended that has no end: it is kept in memory until then."""
HEARTBEAT, SILENCE = b"\x1e\n", 15.0
"""What is printed after so many seconds without a line, so that the operator's side notices a dead connection."""
PRINTED_WITHIN, FOLLOWED = 110.0, 30 * 86_400.0
"""Seconds: how long printing may take, and for how long a log is followed at most."""
CLEAR_LINE = b"\x1b[2K"
"""What Compose prints before some lines, for a terminal."""


def logs(host: Host, words: Sequence[str]) -> None:
    """Print, and perhaps follow, what the words choose. Raises Failure where there is no such container."""
    chosen = _parsed(words)
    secrets = secrets_of(host.config.environment, host.config.secret_words)
    printer = Printer(secrets, chosen.grep.encode(), needs_reader=chosen.follow)
    with suppress(ReaderGone, BrokenPipeError):
        if chosen.name in FILES:
            _print_file(host, chosen, printer)
        else:
            _print_containers(host, chosen, printer)
        printer.end()


class ReaderGone(Exception):
    """Standard input has ended: nobody reads any more what is printed."""


class Printer:
    """Writes lines to standard output: masked, and only those that contain `wanted`."""

    def __init__(self, secrets: Sequence[bytes], wanted: bytes, *, needs_reader: bool) -> None:
        self._secrets, self._wanted, self._needs_reader = secrets, wanted, needs_reader
        self._rest, self._last = b"", time.monotonic()

    def __call__(self, data: bytes) -> None:
        """Take a piece of output. Raises BrokenPipeError or ReaderGone where nothing reads it."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        self._write(b"".join(self._shown(line) for line in lines))
        if self._needs_reader:
            self._check_reader()

    def end(self) -> None:
        """Also what has no newline at its end."""
        self._write(self._shown(self._rest) if self._rest else b"")

    def _check_reader(self) -> None:
        arrived, _, _ = select.select([STDIN], [], [], 0)
        if arrived and not os.read(STDIN, LONGEST):
            raise ReaderGone
        if time.monotonic() - self._last > SILENCE:
            self._write(HEARTBEAT)

    def _shown(self, line: bytes) -> bytes:
        shown = masked(line.removeprefix(CLEAR_LINE), self._secrets)
        return shown + b"\n" if self._wanted in shown else b""

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(STDOUT, data) :]
            self._last = time.monotonic()


def _parsed(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser("logs")
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--since", default="")
    parser.add_argument("--grep", default="")
    parser.add_argument("--follow", action="store_true")
    return parser.parse_args(words)


def _print_file(host: Host, chosen: Namespace, printer: Printer) -> None:
    config = host.config
    base, *names = (part.format(root=config.root, name=config.name) for part in FILES[chosen.name])
    try:
        tail = Tail(lambda: handles.open_file(Path(base), *names), printer)
    except FileNotFoundError:
        output.say(f"{Path(base).joinpath(*names)} does not exist yet")
        return
    with closing(tail):
        tail.print_end(chosen.lines)
        if chosen.follow:
            tail.follow()


def _print_containers(host: Host, chosen: Namespace, printer: Printer) -> None:
    name = host.config.name
    if not existing(host.docker, name, chosen.name):
        which = f"of {chosen.name} " if chosen.name else ""
        raise Failure(f"no container {which}exists on this host: run `deployer provision`")
    words = (
        *("compose", "--project-name", name, "logs", "--no-color", "--tail", str(chosen.lines)),
        *(("--since", chosen.since) if chosen.since else ()),
        *(("--follow",) if chosen.follow else ()),
        *(("--no-log-prefix", chosen.name) if chosen.name else ()),
    )
    ended = host.docker(*words, limit=FOLLOWED if chosen.follow else PRINTED_WITHIN, on_output=printer)
    if not ended.succeeded:
        raise Failure(f"docker compose logs failed with exit code {ended.exit_code}")
