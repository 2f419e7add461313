"""The host program as the tool ships it: one file, made the same by every machine; its settings; how it is called."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from deployer import __version__
from deployer.engine.changes import File
from deployer.engine.facts import Ask
from deployer.inventory.model import Inventory
from deployer.remote import config
from deployer.text.dotenv import SECRET_WORDS
from deployer.text.marker import MARKER
from deployer.text.shell import quote, sh

PACKAGE = "deployer/remote"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the earliest one that a zip file can have."""
START = "import sys\nfrom pathlib import Path\nfrom deployer.remote.__main__ import main\n"
CALL = "sys.exit(main(sys.argv[1:], Path(sys.argv[0]).absolute()))\n"
PYTHON = ("python3", "-I", "-X", "utf8")
"""Isolated: nothing in the environment, or beside the program, changes what it imports."""

NOT_IN_PLACE = "echo 'the host program is not in place yet' >&2; exit 3"
"""The end of a script that stands in for the host program, where it cannot answer."""

MISSING = (2, 127)
"""Exit codes without Python or the program, and of a program that does not know the verb or an option."""


def program(host: Inventory) -> PurePosixPath:
    """Where the host program is."""
    return host.paths.state / "remote.pyz"


def call(host: Inventory, *words: str) -> str:
    """The command that runs a verb of the host program."""
    return sh(*PYTHON, program(host), *words)


def question(host: Inventory, nothing: str, *words: str) -> str:
    """Bash that asks a verb. Without the program, or where its version lacks the verb, the answer is unknown (exit 3).

    It is certainly empty where the program is not there and `nothing`, which is bash, succeeds.
    """
    absent = f"{{ {NOT_IN_PLACE}; }}"
    return (
        f"if [ ! -e {quote(program(host))} ]; then {nothing} || {absent}\n"
        f'else {call(host, *words)} || {{ [ "$?" != 2 ] || {absent}; exit 3; }}; fi'
    )


def run(host: Inventory, *words: str) -> str:
    """The same as a script of its own: it takes the place of its shell, which would not await it after a signal."""
    return f"exec {call(host, *words)}"


def ask(host: Inventory, *words: str, otherwise: str) -> Ask:
    """A question to the host program; it is asked by the script `otherwise` where that is not in place.

    Every run asks: -S leaves out the search for other packages, of which the program uses none.
    """
    return Ask(otherwise, words, sh(*PYTHON, "-S", program(host), "survey"))


def program_files(host: Inventory) -> tuple[File, File]:
    """The program and its settings."""
    settings = json.dumps(asdict(settings_of(host)), indent=1, sort_keys=True) + "\n"
    return (
        File(program(host), archive()),
        File(host.paths.state / config.FILE, settings.encode(), 0o600),
    )


def cron_entry(host: Inventory, verb: str) -> File:
    """What cron runs for a verb: it keeps its path, whatever the program becomes."""
    return entry(host, verb, "cron", verb)


def entry(host: Inventory, name: str, *words: str) -> File:
    """A program of this name, for cron or by hand, that runs these words of the host program."""
    text = f'#!/bin/sh\n# {MARKER}\nexec {call(host, *words)} "$@"\n'
    return File(host.paths.state / "bin" / name, text.encode(), 0o755)


def cron_call(host: Inventory, verb: str) -> str:
    """The command that runs a verb under the lock, with the time before each line of its output."""
    return call(host, "cron", verb)


def settings_of(host: Inventory) -> config.Config:
    """What the host program knows of the inventory."""
    authority = str(host.paths.state / "tls" / "acme-ca.pem") if host.tls.acme_ca else ""
    keep = host.backup
    return config.Config(
        version=__version__,
        name=host.name,
        root=str(host.root),
        secret_words=list(SECRET_WORDS),
        certificate=config.Certificate(
            host.tls.mode, list(host.names), host.tls.acme_server, host.site.email, authority
        ),
        backup=config.Backup(str(keep.directory), keep.keep_days, keep.keep_min, bool(keep.offsite)),
        drill=config.Drill(list(host.backup.check), host.backend.port, host.backend.health_path),
        postgres=config.Postgres(host.postgres.database if host.postgres.enabled else "", host.postgres.user),
        proxy_image=host.nginx.image,
        release=_release(host),
    )


def _release(host: Inventory) -> config.Release:
    hooks = config.Hooks(
        *(list(words) for words in (host.hooks.before_switch, host.hooks.after_switch, host.hooks.on_failure))
    )
    drain = host.releases.drain + 10
    return config.Release(host.releases.healthy_within, host.releases.settle, drain, hooks)


@cache
def archive() -> bytes:
    """The program as a zip file that Python runs; not compressed, since not every machine compresses alike."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archived:
        for name, text in (("__main__.py", START + CALL), ("deployer/__init__.py", ""), *_sources()):
            archived.writestr(zipfile.ZipInfo(name, EPOCH), text)
    return buffer.getvalue()


def _sources() -> list[tuple[str, str]]:
    """Every Python file of the package, by its name in the archive, in the order of the names."""
    return sorted(_below(files("deployer").joinpath("remote"), PACKAGE))


def _below(directory: Traversable, name: str) -> Iterator[tuple[str, str]]:
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", entry.read_text()
