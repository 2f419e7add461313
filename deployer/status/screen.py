"""A host's state as one screen of aligned lines."""

from collections.abc import Iterator, Mapping, Sequence

from deployer.inventory.model import Inventory
from deployer.status.last_backup import LastBackup
from deployer.status.state import Container, State
from deployer.text.times import in_largest

Rows = Sequence[tuple[str, ...]]


def text(host: Inventory, found: State) -> str:
    lines = [f"{host.host_name}  https://{host.site.domain}  ({host.ssh.address})"]
    for title, rows in (*_maintenance(host, found), *_blocks(found)):
        lines += [f"{title if first else '':<12}{line}" for first, line in _numbered(aligned(rows))]
    return "\n".join(line.rstrip() for line in lines)


def _blocks(found: State) -> Iterator[tuple[str, Rows]]:
    yield "containers", [_container(item) for item in found.containers] or [("none",)]
    published = [(item.name, "  ".join(item.ports)) for item in found.containers if item.ports]
    yield "published", published or [("no port",)]
    yield "certificate", [_certificate(found)]
    yield "release", [(service, tag or "none built") for service, tag in found.releases.items()] or [("none",)]
    yield "disk", [(_share(found.disk),)]
    yield "memory", [(_memory(found.memory),)]
    yield "load", [(found.load or "unknown",)]
    yield "firewall", [("on" if found.firewall else "OFF",)]
    yield "last run", [(_last_run(found.last_run),)]
    yield "last backup", [(line,) for line in _last_backup(found.last_backup)]
    yield "last drill", [(found.last_drill.summary if found.last_drill else "none",)]
    yield "lock", [(f"held by {found.lock}" if found.lock else "free",)]
    if found.warnings:
        yield "WARNING", [(f"{warning.what}: {warning.remedy}",) for warning in found.warnings]
    if found.unknown:
        yield "unknown", [(f"{name}: {why}",) for name, why in found.unknown.items()]


def _maintenance(host: Inventory, found: State) -> Iterator[tuple[str, Rows]]:
    if found.maintenance:
        yield "maintenance", [(f"{found.maintenance}; to end it: deployer maintenance off --host {host.host_name}",)]


def _container(item: Container) -> tuple[str, ...]:
    since = f"up {duration(item.seconds)}" if item.state == "running" else ""
    restarts = f"{item.restarts} restarts" if item.restarts else ""
    return item.name, item.state, item.health or "-", since, item.image, restarts


def _certificate(found: State) -> tuple[str, ...]:
    if found.certificate is None:
        return ("none",)
    certificate = found.certificate
    left = f"{certificate.days_left} days left" if certificate.days_left >= 0 else "EXPIRED"
    return ", ".join(certificate.names), left, f"issued by {certificate.issuer}"


def _share(disk: Mapping[str, int]) -> str:
    if not disk:
        return "unknown"
    percent = 100 * disk["used"] // max(1, disk["used"] + disk["free"])
    return f"{percent} % used, {size(disk['free'])} free of {size(disk['size'])}"


def _memory(memory: Mapping[str, int]) -> str:
    if "MemTotal" not in memory:
        return "unknown"
    swap = memory.get("SwapTotal", 0)
    swapped = f", swap {size(swap - memory.get('SwapFree', 0))} of {size(swap)} used" if swap else ", no swap"
    return f"{size(memory.get('MemAvailable', 0))} available of {size(memory['MemTotal'])}{swapped}"


def _last_run(record: Mapping[str, object]) -> str:
    run = record.get("run")
    if not isinstance(run, dict):
        return "none"
    since, command, who, result = (run.get(key, "") for key in ("since", "command", "who", "result"))
    return f"{since}  {command} by {who}: {result}"


def _last_backup(found: LastBackup | None) -> Iterator[str]:
    if found is None or not found.id:
        yield "none"
    else:
        verified = f"verified {found.verified}" if found.verified else "verified when it was made"
        yield f"{found.id}  {duration(found.age)} old, {size(found.size)}, {verified}"
    yield from (f"{name} is incomplete" for name in (found.incomplete if found else ()))


def aligned(rows: Rows) -> Iterator[str]:
    """Each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)


def _numbered(lines: Iterator[str]) -> Iterator[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(lines))


def duration(seconds: int) -> str:
    """In the largest unit of which there are two: 40 s, 12 min, 5 h, 3 days."""
    number, unit = in_largest(seconds, ("days", "h", "min", "s"))
    return f"{number} {unit}"


def size(amount: int) -> str:
    """In the unit that keeps it below 1000, binary: 3.2 GiB."""
    number = float(amount)
    for unit in ("B", "KiB", "MiB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
