"""What runs, compared with what docker-compose.yml describes: settings that were changed by hand are named.

A label says what a container was meant to be; `docker inspect` says what it is.
"""

import hashlib
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from deployer.inventory.model import Inventory
from deployer.site import env
from deployer.site.compose import BACKEND, DATABASE, Service
from deployer.site.inspected import Inspected, a_list, a_text, an_object, inside, listed, number, words
from deployer.text import dotenv

ROOT = re.compile(r"(root|0)?(:.*)?")
NO_NEW_PRIVILEGES = re.compile(r"no-new-privileges([:=]true)?")
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
CPU, CPU_ACCURACY = 1_000_000_000, 1_000_000
"""Docker counts billionths of a CPU; Compose computes them with the accuracy of a small floating-point number."""

ANYWHERE = "0.0.0.0"  # noqa: S104 # what Docker reports, not what is bound here

NAMESPACES = {
    "PidMode": ("pid", "in the process namespace of"),
    "IpcMode": ("ipc", "in the IPC namespace of"),
    "UTSMode": ("uts", "in the UTS namespace of"),
    "UsernsMode": ("userns_mode", "in the user namespace of"),
}
ORDINARY_IPC = ("private", "shareable", "none")
FORBIDDEN = {
    "Devices": "with devices of the host",
    "DeviceCgroupRules": "with rules for devices",
    "DeviceRequests": "with requests for devices",
    "GroupAdd": "with further groups",
    "Sysctls": "with kernel parameters of its own",
    "VolumesFrom": "with the volumes of another container",
    "ExtraHosts": "with host names of its own",
    "Dns": "with name servers of its own",
    "PublishAllPorts": "with all ports published",
    "Tmpfs": "with a temporary file system",
}
"""What no service has, by Docker's name for it."""

COMPARED = {
    *("image", "command", "working_dir", "healthcheck", "environment", "env_file", "volumes", "networks", "ports"),
    *("restart", "security_opt", "mem_limit", "cpus"),
}
NOT_COMPARED = {"pull_policy", "stop_grace_period", "labels", "shm_size"}
"""Settings of a service that give nobody a privilege. A test holds all that compose.py sets to these two."""


def differences(
    host: Inventory, service: str, wanted: Service, item: Inspected, renewed: Collection[str] = ()
) -> Iterator[str]:
    """How a container differs from its service, each so that it can follow "NAME runs".

    `renewed` are the secrets that .env gets in this run.
    """
    for compared in _COMPARED:
        yield from compared(wanted, item)
    yield from _networks(host, wanted, item)
    yield from _environment(host, service, wanted, item, renewed)


def _privileges(wanted: Service, item: Inspected) -> Iterator[str]:
    if item.limits.get("Privileged"):
        yield "privileged"
    elif not a_list(item.limits, "MaskedPaths") or not a_list(item.limits, "ReadonlyPaths"):
        yield "with the system's paths unmasked"
    for key, setting, what in (("CapAdd", "cap_add", "added"), ("CapDrop", "cap_drop", "dropped")):
        found, there = _capabilities(words(item.limits, key)), _capabilities(words(wanted, setting))
        if found != there:
            yield f"with the capabilities {listed(found) or 'none'} {what}"
    if bool(item.limits.get("ReadonlyRootfs")) != bool(wanted.get("read_only")):
        yield "with a writable root" if wanted.get("read_only") else "with a read-only root"
    yield from (what for key, what in FORBIDDEN.items() if inside(item.limits, key))


def _capabilities(names: Collection[str]) -> frozenset[str]:
    return frozenset(name.upper().removeprefix("CAP_") for name in names)


def _security_options(wanted: Service, item: Inspected) -> Iterator[str]:
    found, there = (
        {"no-new-privileges" if NO_NEW_PRIVILEGES.fullmatch(option) else option.replace("=", ":") for option in options}
        for options in (words(item.limits, "SecurityOpt"), words(wanted, "security_opt"))
    )
    if found - there and not item.limits.get("Privileged"):
        yield f"with the security options {listed(found - there)}"
    if there - found:
        yield f"without the security options {listed(there - found)}"


def _namespaces(wanted: Service, item: Inspected) -> Iterator[str]:
    for key, (setting, what) in NAMESPACES.items():
        found = a_text(item.limits, key)
        if found != a_text(wanted, setting) and not (key == "IpcMode" and found in ORDINARY_IPC):
            yield f"{what} {'the host' if found == 'host' else found or 'its own'}"


def _user(wanted: Service, item: Inspected) -> Iterator[str]:
    if item.defaults is None:
        return
    found, there = a_text(item.settings, "User"), a_text(wanted, "user") or a_text(item.defaults, "User")
    if found != there:
        yield "as root" if ROOT.fullmatch(found) else f"as {found}"


def _program(wanted: Service, item: Inspected) -> Iterator[str]:
    if item.defaults is None:
        return
    if words(item.settings, "Entrypoint") != (words(wanted, "entrypoint") or words(item.defaults, "Entrypoint")):
        yield "with another entry point"
    if words(item.settings, "Cmd") != (words(wanted, "command") or words(item.defaults, "Cmd")):
        yield "with another command"
    directory = a_text(wanted, "working_dir") or a_text(item.defaults, "WorkingDir")
    if _normal(a_text(item.settings, "WorkingDir")) != _normal(directory):
        yield "in another working directory"
    check = words(wanted, "healthcheck", "test") or words(item.defaults, "Healthcheck", "Test")
    if words(item.settings, "Healthcheck", "Test") != check:
        yield "with another health check"


def _normal(path: str) -> str:
    return posixpath.normpath(path or "/")


def _image(wanted: Service, item: Inspected) -> Iterator[str]:
    """By its name; whether the name means another image meanwhile is for the roll-out to know."""
    found = a_text(item.settings, "Image")
    if found != a_text(wanted, "image") and not found.startswith("sha256:"):
        yield f"the image {found}"


def _mounts(wanted: Service, item: Inspected) -> Iterator[str]:
    found = {_mounted(mount) for mount in item.mounts}
    there = {_volume(volume) for volume in words(wanted, "volumes")}
    if found - there:
        yield f"with the mounts {listed(found - there)}"
    if there - found:
        yield f"without the mounts {listed(there - found)}"


def _mounted(mount: Mapping[str, object]) -> str:
    source = a_text(mount, "Source") if mount.get("Type") == "bind" else f"{mount.get('Type')} {mount.get('Name', '')}"
    return f"{source}:{a_text(mount, 'Destination')}:{'rw' if mount.get('RW') else 'ro'}"


def _volume(volume: str) -> str:
    return volume if volume.endswith(":ro") else f"{volume}:rw"


def _ports(wanted: Service, item: Inspected) -> Iterator[str]:
    found = {
        f"{a_text(bound, 'HostIp') or ANYWHERE}:{a_text(bound, 'HostPort')}:{port.removesuffix('/tcp')}"
        for port in an_object(item.limits, "PortBindings")
        for bound in a_list(item.limits, "PortBindings", port)
    }
    if found != set(words(wanted, "ports")):
        yield f"with the published ports {listed(found) or 'none'}"


def _restarts(wanted: Service, item: Inspected) -> Iterator[str]:
    found = a_text(item.limits, "RestartPolicy", "Name") or "no"
    if found != a_text(wanted, "restart"):
        yield f"with the restart policy {found}"


def _limits(wanted: Service, item: Inspected) -> Iterator[str]:
    """Docker discards a limit that the kernel cannot enforce."""
    memory, cpus = _bytes(a_text(wanted, "mem_limit")), float(a_text(wanted, "cpus") or 0) * CPU
    enforced = item.surroundings.limits
    if "memory" in enforced and number(item.limits, "Memory") != memory:
        yield "with another memory limit"
    if "cpu" in enforced and abs(number(item.limits, "NanoCpus") - cpus) > CPU_ACCURACY:
        yield "with another CPU limit"
    if number(item.limits, "PidsLimit") > 0:
        yield "with a limit of processes"


def _bytes(amount: str) -> int:
    """An amount of the inventory as Compose reads it: 1.5G, 512mb."""
    found = re.fullmatch(r"([0-9.]+)([kmg]?)b?", amount.lower())
    return int(float(found[1]) * UNITS[found[2]]) if found else 0


def _networks(host: Inventory, wanted: Service, item: Inspected) -> Iterator[str]:
    if set(item.networks) != {host.network_name}:
        yield f"in the networks {listed(item.networks) or 'none'}"
        return
    address = a_text(wanted, "networks", "default", "ipv4_address")
    if a_text(item.networks, host.network_name, "IPAMConfig", "IPv4Address") != address:
        yield "with another address"


def _environment(
    host: Inventory, service: str, wanted: Service, item: Inspected, renewed: Collection[str]
) -> Iterator[str]:
    """Docker adds its own proxies; the database's password is only for the start of its first container."""
    there, image = dict(_given(host, service, wanted, item)), an_object(item.defaults, "Env")
    ignored = {*item.surroundings.injected, *(("POSTGRES_PASSWORD",) if service == DATABASE else ())}
    found = {name: digest for name, digest in item.environment.items() if name not in ignored}
    known = {**image, **there}
    other = {name for name, digest in found.items() if name in known and known[name] not in ("", digest)}
    names = {"with another": other | (set(renewed) if service == BACKEND else set())}
    if item.defaults is not None:
        names |= {"with": found.keys() - known.keys(), "without": there.keys() - found.keys() - ignored}
    yield from (f"{what} {listed(which)} in its environment" for what, which in names.items() if which)


def _given(host: Inventory, service: str, wanted: Service, item: Inspected) -> Iterator[tuple[str, str]]:
    """Digests of the variables that the service sets: those of docker-compose.yml, and for the backend those of .env.

    The ordinary ones are known here; of the secrets the host has digests.
    """
    for name in an_object(wanted, "environment"):
        yield name, _digest(a_text(wanted, "environment", name)) if not dotenv.is_secret(name) else ""
    if service != BACKEND:
        return
    ordinary = env.variables(host)
    yield from ((name, _digest(value)) for name, value in ordinary.items())
    digests = item.surroundings.environment
    secrets = {*env.secret_names(host), *digests, *(("DATABASE_URL",) if host.postgres.enabled else ())}
    yield from ((name, digests.get(name, "")) for name in secrets - set(ordinary))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


_COMPARED: tuple[Callable[[Service, Inspected], Iterator[str]], ...] = (
    _privileges,
    _user,
    _image,
    _program,
    _mounts,
    _ports,
    _namespaces,
    _security_options,
    _restarts,
    _limits,
)
