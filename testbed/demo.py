"""The throwaway host of `deployer demo`: its name, its domain, its files in the inventory."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deployer.errors import DeployerError, UsageError
from deployer.transport.host_keys import HostKey, pin
from testbed.bed import Bed, prepare
from testbed.host import TestHost, leftovers, remove
from testbed.origin import Repository, publish
from testbed.places import CHECKOUT, HOST_PREFIX
from testbed.shell import BedError, docker
from testbed.variants import Variant

NAME = "demo"
DOMAIN = "wallet.demo.test"
FIRST_LINE = "# The throwaway host of `deployer demo`; removed by `deployer demo down`."
APPLICATION = CHECKOUT / "testbed" / "application"


@contextmanager
def bed_errors() -> Iterator[None]:
    """Report what the test bed raises as an error of this tool."""
    try:
        yield
    except BedError as error:
        remedy = "run `python -m testbed prepare`: it makes what is needed, or names what is missing"
        raise DeployerError(f"the test bed: {error}", remedy=remedy) from None


def refuse_other(directory: Path) -> None:
    """Raises UsageError where NAME.toml was not written by this module."""
    file = directory / f"{NAME}.toml"
    if file.exists() and not file.read_text(errors="replace").startswith(FIRST_LINE):
        remedy = "rename that file, or choose another directory with --inventory"
        raise UsageError(f"{file} was not written by `deployer demo`", remedy=remedy)


@bed_errors()
def up(directory: Path) -> str:
    """Boot it, or use the one that is up; publish the application; write the inventory. Returns its address.

    Raises UsageError where the inventory has another host of that name.
    """
    refuse_other(directory)
    bed = prepare()
    repository = publish("demo", APPLICATION)
    host = _running() or bed.boot(NAME)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{NAME}.toml").write_text(inventory(host, bed, repository))
    _pin(directory / "known_hosts", host)
    return host.address


@bed_errors()
def down(directory: Path) -> bool:
    """Remove the host and its files. Returns whether there was a host. Raises as `up` does."""
    refuse_other(directory)
    file, found = directory / f"{NAME}.toml", _identifier()
    if file.is_file():
        _forget(directory / "known_hosts", file)
        file.unlink()
    if found:
        remove(found)
    return bool(found)


def curl(address: str) -> str:
    """The command that visits it: its name is not in DNS, and its certificate is self-signed."""
    return f"curl --insecure --resolve {DOMAIN}:443:{address} https://{DOMAIN}/"


def inventory(host: TestHost, bed: Bed, repository: Repository) -> str:
    mirrors, insecure = json.dumps(list(bed.registry.mirrors)), json.dumps(list(bed.registry.insecure))
    return f"""\
{FIRST_LINE}
[ssh]
address = "{host.address}"
port = {host.port}
user = "{host.user}"
identity_file = "{host.identity_file}"

[site]
domain = "{DOMAIN}"

[source]
repository = "{repository.url}"

[tls]
mode = "self-signed"

[docker]
packages = "distribution"
registry_mirrors = {mirrors}
insecure_registries = {insecure}

[wallet]
dockerfile = "guide"
output_dir = "build"
api_url_variable = "BIOMETRIC_API_URL"
"""


def _identifier() -> str:
    """The id of its container, also of one that is stopped; empty where there is none."""
    name = f"{HOST_PREFIX}{NAME}"
    form = "{{.Name}}"
    named = (one for one in leftovers() if docker("inspect", "--format", form, one).stdout.strip().lstrip("/") == name)
    return next(named, "")


def _running() -> TestHost | None:
    """The existing one, started if it is stopped (as after a reboot of this machine)."""
    found = _identifier()
    if not found:
        return None
    host = TestHost(found, f"{HOST_PREFIX}{NAME}", Variant())
    docker("start", found)
    host.wait_ready()
    return host


def _pin(known_hosts: Path, host: TestHost) -> None:
    """Its key is read without the network, so nobody has to compare it."""
    line = host.known_hosts_line.strip()
    pin(known_hosts, HostKey(line.split()[0], "ED25519", 256, "", line))


def _forget(known_hosts: Path, file: Path) -> None:
    with suppress(OSError, KeyError, tomllib.TOMLDecodeError):
        ssh = tomllib.loads(file.read_text())["ssh"]
        name = ssh["address"] if ssh["port"] == 22 else f"[{ssh['address']}]:{ssh['port']}"
        lines = known_hosts.read_text().splitlines(keepends=True)
        known_hosts.write_text("".join(line for line in lines if line.split(" ")[0] != name))
