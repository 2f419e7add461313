"""Which inventory, which host: options, environment variables, and the files found."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deployer.errors import InventoryError
from deployer.inventory.mistakes import Mistake, close_to, shown, shown_path

GROUPS = "groups.toml"
_NOT_HOSTS = ("example", "groups")


def directory(option: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """--inventory, else $DEPLOYER_INVENTORY, else `inventory` here or above, else ~/.config/deployer."""
    chosen = option or environ.get("DEPLOYER_INVENTORY")
    if chosen:
        return cwd / Path(chosen).expanduser()
    own = Path(environ.get("HOME") or "~").expanduser() / ".config" / "deployer"
    places = [*(above / "inventory" for above in (cwd, *cwd.parents)), own]
    return next((place for place in places if place.is_dir()), cwd / "inventory")


def find(directory: Path, host: str | None, environ: Mapping[str, str]) -> str:
    """--host, else $DEPLOYER_HOST, else the only host there is. The name may be a group's."""
    chosen = host if host is not None else environ.get("DEPLOYER_HOST") or None
    if chosen is not None:
        return host_name(chosen)
    names = hosts(directory)
    if len(names) == 1:
        return names[0]
    raise InventoryError(f"choose a host: {_what_is_there(directory)}", remedy=_way_on(names))


def host_name(text: str) -> str:
    """The text, if it can be the name of a host or a group: never an option, never a path."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", text) and text != "groups":
        return text
    raise InventoryError(f"host: got {shown(text)}: a host's name is a-z, 0-9 and -, not beginning with -")


def hosts(directory: Path) -> list[str]:
    """The hosts of an inventory; example.toml is not one."""
    names = sorted(file.stem for file in directory.glob("*.toml"))
    return [name for name in names if name not in _NOT_HOSTS and re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name)]


def host_file(directory: Path, name: str) -> Path:
    """NAME.toml. Raises InventoryError, which lists the hosts that exist."""
    file = directory / f"{host_name(name)}.toml"
    if file.is_file():
        return file
    near = close_to(name, hosts(directory))
    what = f"{shown_path(file)}: no such file{near or f'; {_what_is_there(directory)}'}"
    raise InventoryError(what, remedy=f"deployer init {name}")


def members(directory: Path, name: str) -> tuple[str, ...]:
    """The hosts of a group in its order; a host's name stands for itself."""
    groups = _groups(directory / GROUPS)
    mistakes = [mistake for group, hosts in groups.items() for mistake in _wrong(directory, group, hosts)]
    if mistakes:
        raise InventoryError("\n".join(mistake.line(directory / GROUPS) for mistake in mistakes))
    found = groups.get(host_name(name), [name])
    return tuple(str(host) for host in found) if isinstance(found, list) else ()


def _groups(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    document, mistakes = read_toml(file)
    groups = document.get("groups", {})
    if not isinstance(groups, dict) or set(document) - {"groups"}:
        mistakes.append(Mistake("", 'expected one table, [groups], with lines such as production = ["a", "b"]'))
    if mistakes:
        raise InventoryError("\n".join(mistake.line(file) for mistake in mistakes))
    return dict(groups)


def _wrong(directory: Path, group: str, hosts_of_group: object) -> Iterator[Mistake]:
    known, key = hosts(directory), f"groups.{group}"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", group) or group in known:
        yield Mistake(f"groups.{shown(group)}", "a group's name is a-z, 0-9 and -, and not the name of a host")
    if not isinstance(hosts_of_group, list) or not hosts_of_group:
        yield Mistake(key, 'a group is a list of hosts: ["a", "b"]', shown(hosts_of_group))
        return
    for host in hosts_of_group:
        if host not in known or hosts_of_group.count(host) > 1:
            yield Mistake(
                key, f"every member is the name of a host, listed once{close_to(str(host), known)}", shown(host)
            )


def read_toml(file: Path) -> tuple[dict[str, Any], list[Mistake]]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig")), []
    except UnicodeDecodeError:
        return {}, [Mistake("", "this is not UTF-8 text")]
    except (ValueError, RecursionError) as error:
        return {}, [syntax_mistake(error)]
    except OSError as error:
        return {}, [Mistake("", f"cannot be read: {error.strerror}")]


def syntax_mistake(error: Exception) -> Mistake:
    """Python reports `reason (at line 3, column 5)`; every mistake begins with its place."""
    match = re.fullmatch(r"(?P<why>.*) \(at (?P<where>.*)\)", str(error), re.DOTALL)
    if match is None:
        return Mistake("", f"not TOML: {shown(str(error))}")
    return Mistake(match["where"], f"not TOML: {match['why']}")


def _what_is_there(directory: Path) -> str:
    names = hosts(directory)
    place = shown_path(directory)
    return f"{place} has {', '.join(names)}" if names else f"{place} has no hosts yet"


def _way_on(names: list[str]) -> str:
    return f"--host {names[0]}" if names else "deployer init NAME"
