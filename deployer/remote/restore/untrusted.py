"""What a backup may not bring along: it may have been made elsewhere, so it is data, never something that root runs.

How the application is run stays as the inventory has it: Compose file and proxy configuration, also of kept releases,
and what certbot does.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from deployer.remote import dotenv, files
from deployer.remote.backup.parts import Part
from deployer.remote.backup.settled import Settled
from deployer.remote.backup.tree import LINK, Item, shown, walk
from deployer.remote.certificate.authority import LIVE
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.release import kept

FOR_PROGRAMS = ("COMPOSE_", "DOCKER_")
"""Variables with which Docker's own programs find what they do: Compose reads .env as well."""
DATABASE = ("DB_PASSWORD", "DATABASE_URL")
KEPT_OF_RENEWAL = re.compile(r"^(account) = ([0-9a-f]{32})$|^(key_type) = (rsa|ecdsa)$", re.MULTILINE)
PAIR = ("cert", "privkey", "chain", "fullchain")


def make_harmless(host: Host, parts: Iterable[Part], directory: Path) -> None:
    """Change what was unpacked below the directory so that it can be swapped in. Raises Failure."""
    for part in parts:
        if isinstance(part, Settled):
            _refuse_links(directory, part.items)
    _configure_releases(host, directory / ".deployer" / "releases")
    _rewrite_renewal(host, directory)
    _complete_environment(host, directory / ".env")


def _refuse_links(directory: Path, items: Iterable[Item]) -> None:
    """Root reads what is in these parts: a link may lead to another file of the same part alone."""
    names = tuple(item.path for item in items)
    for found in (one for item in items for one in walk(Item(directory, item.path), lambda path, why: None)):
        if found.kind == LINK and not _stays(found.path, found.target, names):
            raise Failure(f"{shown(found.path)} in the backup is a link to {shown(found.target)}: it is not restored")


def _stays(path: str, target: str, names: tuple[str, ...]) -> bool:
    where = os.path.normpath(Path(path).parent / target)  # a link's target is text
    return not target.startswith("/") and any(where == name or where.startswith(f"{name}/") for name in names)


def _configure_releases(host: Host, releases: Path) -> None:
    """A rollback puts the configuration of a kept release in place: that of the host, not of the backup."""
    for release in (path for path in sorted(releases.glob("*")) if path.is_dir()):
        for name, own in kept.configuration(host).items():
            if (release / name).exists():
                files.write(release / name, files.read(own), kept.MODE)


def _rewrite_renewal(host: Host, directory: Path) -> None:
    """certbot renew runs the hooks that are in this file, and writes to the places that it names."""
    domain = host.config.certificate.names[0]
    path = directory / f"letsencrypt/renewal/{domain}.conf"
    if not path.exists():
        return
    matches = KEPT_OF_RENEWAL.finditer(files.read(path).decode(errors="replace"))
    known = dict(tuple(filter(None, match.groups())) for match in matches)
    webroot = host.config.state / "acme"
    pair = (f"{name} = {LIVE / domain / name}.pem" for name in PAIR)
    lines = (
        f"archive_dir = {LIVE.parent / 'archive' / domain}",
        *pair,
        "[renewalparams]",
        *(f"{name} = {value}" for name, value in known.items()),
        *("authenticator = webroot", f"webroot_path = {webroot},", f"server = {host.config.certificate.server}"),
        "[[webroot_map]]",
        *(f"{name} = {webroot}" for name in host.config.certificate.names),
    )
    files.write(path, ("\n".join(lines) + "\n").encode(), kept.MODE)


def _complete_environment(host: Host, path: Path) -> None:
    """Without what Docker's programs would obey; with the database's password where the backup is older than that."""
    if not path.exists():
        return
    found = tuple(dotenv.entries(files.read(path)))
    lines = [f"{entry.head}{entry.text}" for entry in found if not entry.name.startswith(FOR_PROGRAMS)]
    names = {entry.name for entry in found}
    if host.config.postgres.database and DATABASE[0] not in names:
        present = dotenv.entries(files.read(host.config.environment))
        lines += [f"{entry.head}{entry.text}" for entry in present if entry.name in DATABASE]
    content = dotenv.encoded("".join(f"{line}\n" for line in lines))
    if lines != [f"{entry.head}{entry.text}" for entry in found]:
        files.write(path, content, 0o600)
