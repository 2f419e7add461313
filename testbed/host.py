"""One throwaway server: booted in about a second, reached over SSH as a stranger would, removed by its id."""

import json
import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from testbed.cgroups import remove_group
from testbed.cpu import record_cpu
from testbed.images import pack
from testbed.isolation import TEMPORARY, rights
from testbed.keys import identity
from testbed.places import HOST_LABEL, HOST_PREFIX
from testbed.shell import BedError, Completed, docker, last_lines, run
from testbed.variants import Variant, first_boot

READY_SECONDS = 90
SETTLED_SECONDS = 90
BANNER = b"SSH-2.0"
_LOCK_FILE = "/var/lib/dpkg/lock-frontend"
_HOLD_LOCK = f"import fcntl, signal; f = open({_LOCK_FILE!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); signal.pause()"


@dataclass(frozen=True)
class TestHost:
    """A server that runs; make one with `boot`."""

    __test__ = False
    """Not a class of tests, whatever pytest thinks of its name."""

    id: str
    name: str
    variant: Variant

    @property
    def address(self) -> str:
        """Its address as seen from this machine (it may change at a reboot)."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        addresses = docker("inspect", "--format", form, self.id).stdout.split()
        if not addresses:
            raise BedError(f"{self.name} does not run:\n{last_lines(docker('logs', self.id, check=False))}")
        return addresses[0]

    @property
    def port(self) -> int:
        """Where its sshd listens."""
        return self.variant.ssh_port

    @property
    def user(self) -> str:
        """Who may log in."""
        return self.variant.user or "root"

    @property
    def identity_file(self) -> Path:
        """The private key that is let in."""
        return identity().private

    @cached_property
    def volume(self) -> str:
        """The volume that is its /var/lib/docker."""
        mounts = json.loads(docker("inspect", "--format", "{{json .Mounts}}", self.id).stdout)
        return next(str(mount["Name"]) for mount in mounts if mount["Destination"] == "/var/lib/docker")

    @property
    def host_key(self) -> str:
        """Its public host key: type and base64."""
        return " ".join(self.exec("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[:2])

    @property
    def known_hosts_line(self) -> str:
        """What a client that knows this host has in its known_hosts."""
        place = self.address if self.port == 22 else f"[{self.address}]:{self.port}"
        return f"{place} {self.host_key}\n"

    def exec(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        stdin: bytes | None = None,
        seconds: float = 120,
    ) -> Completed:
        """Run a command in the host as root, past sshd: a string with bash, a list as it is."""
        argv = ("bash", "-c", command) if isinstance(command, str) else tuple(command)
        keep_open = ("--interactive",) if stdin is not None else ()
        return docker("exec", *keep_open, self.id, *argv, check=check, stdin=stdin, seconds=seconds)

    def ssh(self, command: str, *, check: bool = True, stdin: bytes | None = None, seconds: float = 120) -> Completed:
        """Run a command in the host over SSH with OpenSSH's client, its host key checked."""
        known_hosts = self.identity_file.with_name(f"known_hosts-{self.id[:12]}")
        known_hosts.write_text(self.known_hosts_line)
        options = ("-F", "none", "-i", str(self.identity_file), "-o", f"UserKnownHostsFile={known_hosts}")
        strict = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-p", str(self.port))
        try:
            target = f"{self.user}@{self.address}"
            return run(("ssh", *options, *strict, target, command), check=check, stdin=stdin, seconds=seconds)
        finally:
            known_hosts.unlink(missing_ok=True)

    def write(self, path: str, content: str | bytes, mode: str = "644") -> None:
        """Put a file of root's into the host."""
        data = content.encode() if isinstance(content, str) else content
        quoted = shlex.quote(path)
        self.exec(f"mkdir -p $(dirname {quoted}) && cat >{quoted} && chmod {mode} {quoted}", stdin=data)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until sshd greets."""
        deadline = time.monotonic() + seconds
        while not greets(self.address, self.port):
            if time.monotonic() > deadline:
                logs = last_lines(docker("logs", self.id, check=False))
                raise BedError(f"{self.name} gave no SSH banner within {seconds:.0f} s:\n{logs}")
            time.sleep(0.05)

    def wait_settled(self, seconds: float = SETTLED_SECONDS) -> None:
        """Wait until systemd has started everything it will, Docker and its containers among them."""
        self.exec(("systemctl", "is-system-running", "--wait"), check=False, seconds=seconds)

    def reboot(self) -> None:
        """Restart it as a reboot does, and wait for sshd and all services."""
        docker("restart", "--time", "20", self.id, seconds=READY_SECONDS + 30)
        self.wait_ready()
        self.wait_settled()

    def change_host_key(self) -> None:
        """Give it other host keys, as a server that was set up anew or is another one."""
        for kind in ("ed25519", "ecdsa"):
            key = f"/etc/ssh/ssh_host_{kind}_key"
            self.exec(f"rm -f {key} {key}.pub && ssh-keygen -q -t {kind} -N '' -f {key}")
        self.exec("systemctl try-restart ssh.service")
        self.wait_ready()

    def lock_apt(self) -> None:
        """Let a process of the host hold dpkg's lock, until `unlock_apt` or a reboot."""
        self.exec(("systemd-run", "--quiet", "--unit=apt-lock-holder", "/usr/bin/python3", "-c", _HOLD_LOCK))

    def unlock_apt(self) -> None:
        """End the process that holds dpkg's lock."""
        self.exec("systemctl stop apt-lock-holder")

    def destroy(self) -> None:
        """Remove it, with its disk."""
        remove(self.id)


def boot(name: str, *, variant: Variant | None = None, image: str, apt_proxy: str = "", volume: str = "") -> TestHost:
    """Given a name that is free and the host's image, boot a fresh server and wait until sshd greets.

    With a volume, that is its /var/lib/docker.
    """
    chosen = variant or Variant()
    host = create(name, chosen, image, volume)
    try:
        script = first_boot(chosen, identity().public, apt_proxy).encode()
        docker("cp", "-", f"{host.id}:/", stdin=pack({"testbed-first-boot": (script, 0o755)}))
        return start(host)
    except BaseException:
        host.destroy()
        raise


def create(name: str, variant: Variant, image: str, volume: str = "") -> TestHost:
    """Make the container of a host, not yet started."""
    full = f"{HOST_PREFIX}{name}"
    disk = volume or docker("volume", "create", "--label", HOST_LABEL, f"{full}-docker").stdout.strip()
    arguments = ("--name", full, "--hostname", full, "--label", HOST_LABEL, *TEMPORARY, *rights(image))
    created = docker("create", *arguments, "--volume", f"{disk}:/var/lib/docker", image, check=False)
    if created.returncode:
        raise BedError(f"cannot make the host {full}: {last_lines(created)}")
    return TestHost(created.stdout.strip(), full, variant)


def start(host: TestHost) -> TestHost:
    """Start a host that was made and wait for sshd."""
    docker("start", host.id)
    host.wait_ready()
    if host.variant.apt_locked:
        host.lock_apt()
    return host


def remove(identifier: str) -> None:
    """Given a container's id, remove it with its volume and its group."""
    form = "{{.Config.Hostname}}{{range .Mounts}} {{.Name}}{{end}}"
    hostname, *volumes = docker("inspect", "--format", form, identifier).stdout.split()
    record_cpu(identifier, hostname)
    docker("rm", "--force", "--volumes", identifier)
    for volume in volumes:
        docker("volume", "rm", "--force", volume, check=False)
    remove_group(hostname)


def leftovers() -> tuple[str, ...]:
    """The ids of all hosts of this checkout, running or not."""
    return tuple(docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={HOST_LABEL}").stdout.split())


def remove_leftovers() -> int:
    """Remove every host, snapshot and volume of this checkout; say how many hosts there were."""
    found = leftovers()
    for identifier in found:
        remove(identifier)
    for volume in docker("volume", "ls", "--quiet", "--filter", f"label={HOST_LABEL}").stdout.split():
        docker("volume", "rm", "--force", volume, check=False)
    for image in docker("images", "--quiet", "--filter", f"label={HOST_LABEL}").stdout.split():
        docker("rmi", "--force", image, check=False)
    return len(found)


def greets(address: str, port: int) -> bool:
    """Whether an SSH server answers there."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            return connection.recv(len(BANNER)) == BANNER
    except OSError:
        return False
