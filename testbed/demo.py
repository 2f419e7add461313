"""The host of `demo`, and its files in the inventory. Imports the test bed, so it works in a checkout only."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deployer.commands.demo import CHECKOUT, DOMAIN, FIRST_LINE, NAME
from deployer.errors import DeployerError
from testbed.bed import Bed, prepare
from testbed.host import TestHost, leftovers, remove
from testbed.origin import Repository, publish
from testbed.places import HOST_PREFIX
from testbed.shell import BedError, docker
from testbed.variants import Variant

APPLICATION = CHECKOUT / "testbed" / "application"


@contextmanager
def bed_errors() -> Iterator[None]:
    """What the bed raises, as a message of ours."""
    try:
        yield
    except BedError as error:
        remedy = "python -m testbed prepare makes what it needs, and says what is missing"
        raise DeployerError(f"the test bed: {error}", remedy=remedy) from None


@bed_errors()
def up(directory: Path) -> str:
    """Boot it, or take the one that is up; publish the application; write the inventory. Gives its address."""
    bed = prepare()
    repository = publish("demo", APPLICATION)
    host = _running() or bed.boot(NAME)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{NAME}.toml").write_text(inventory(host, bed, repository))
    _know(directory / "known_hosts", host)
    return host.address


@bed_errors()
def down(directory: Path) -> bool:
    """Remove the host and its files. Says whether there was a host."""
    file, found = directory / f"{NAME}.toml", _identifier()
    if file.is_file():
        _forget(directory / "known_hosts", file)
        file.unlink()
    if found:
        remove(found)
    return bool(found)


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
    """The one that is there, started when it is stopped (as after a reboot of this machine)."""
    found = _identifier()
    if not found:
        return None
    host = TestHost(found, f"{HOST_PREFIX}{NAME}", Variant())
    docker("start", found)
    host.wait_ready()
    return host


def _know(known_hosts: Path, host: TestHost) -> None:
    """Its key is read past the network, so nobody has to compare it."""
    from deployer.transport.host_keys import HostKey, pin

    line = host.known_hosts_line.strip()
    pin(known_hosts, HostKey(line.split()[0], "ED25519", 256, "", line))


def _forget(known_hosts: Path, file: Path) -> None:
    with suppress(OSError, KeyError, tomllib.TOMLDecodeError):
        ssh = tomllib.loads(file.read_text())["ssh"]
        name = ssh["address"] if ssh["port"] == 22 else f"[{ssh['address']}]:{ssh['port']}"
        lines = known_hosts.read_text().splitlines(keepends=True)
        known_hosts.write_text("".join(line for line in lines if line.split(" ")[0] != name))
