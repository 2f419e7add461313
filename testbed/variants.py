"""The kinds of server a test can ask for, and the script that makes a fresh host into one at its first
boot.
"""

import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Sudo = Literal["passwordless", "password", "none"]


@dataclass(frozen=True)
class Variant:
    """What a server's vendor or owner chose; the default is a user `deploy` with a key and passwordless
    sudo.
    """

    distribution: str = ""
    """A Debian release (`bookworm`), or where a registry answers an image such as `ubuntu:24.04`."""
    user: str = "deploy"
    """Empty: there is only root, with the bed's key unless `root_key` is off."""
    user_password: str = ""
    sudo: Sudo = "passwordless"
    shell: str = "/bin/bash"
    """/usr/bin/fish, /usr/bin/zsh and /bin/tcsh are there to choose from; they cost an image more."""
    root_key: bool = False
    root_password: str = ""
    root_password_expired: bool = False
    """The vendor's one-time password: sshd asks for a new one at the first login."""
    ssh_port: int = 22
    ssh_socket: bool = False
    """sshd started by systemd's socket, as Ubuntu does."""
    free_megabytes: int = 0
    """Not 0: all of / (with /var/lib/docker) is one file system with this much free; a reboot forgets what
    was written.
    """
    apt_locked: bool = False
    """Another process holds dpkg's lock (`TestHost.unlock_apt` ends it)."""
    os_release: Mapping[str, str] = field(default_factory=dict)
    """Keys of /etc/os-release to replace: what a host says it is, not what it is."""

    @property
    def image(self) -> str:
        """The recipe whose image has what this variant needs."""
        return "host" if self.shell in {"/bin/bash", "/bin/sh", "/bin/dash"} else "shells"


def first_boot(variant: Variant, public_key: str, apt_proxy: str) -> str:
    """Given a variant, the key that may log in and the apt cache, write the script of the first boot."""
    lines = [
        "#!/bin/sh",
        "set -eu",
        *_identity(),
        *_apt(apt_proxy),
        *_sshd(variant),
        *_root(variant, public_key),
    ]
    lines += _user(variant, public_key) if variant.user else []
    lines += _os_release(variant.os_release)
    return "\n".join([*lines, *_disk(variant.free_megabytes), ""])


def _identity() -> Iterator[str]:
    yield _write("/etc/machine-id", secrets.token_hex(16))
    for kind in ("ed25519", "ecdsa"):
        yield f"rm -f /etc/ssh/ssh_host_{kind}_key*"
        yield f"ssh-keygen -q -t {kind} -N '' -C root@server -f /etc/ssh/ssh_host_{kind}_key"


def _apt(proxy: str) -> Iterator[str]:
    if proxy:
        # What the bed serves itself is fetched from it directly.
        bed = urlsplit(proxy).hostname
        settings = f'Acquire::http::Proxy "{proxy}";\nAcquire::https::Proxy "DIRECT";'
        settings += f'\nAcquire::http::Proxy::{bed} "DIRECT";'
        yield _write("/etc/apt/apt.conf.d/01testbed-cache", settings)


def _sshd(variant: Variant) -> Iterator[str]:
    settings = [f"Port {variant.ssh_port}"] if variant.ssh_port != 22 else []
    settings += ["PermitRootLogin yes"] if variant.root_password else []
    settings += [] if variant.root_password or variant.user_password else ["PasswordAuthentication no"]
    if settings:
        yield _write("/etc/ssh/sshd_config.d/10-vendor.conf", "\n".join(settings))
    if variant.ssh_socket:
        listen = f"[Socket]\nListenStream=\nListenStream={variant.ssh_port}"
        yield "mkdir -p /etc/systemd/system/ssh.socket.d"
        yield _write("/etc/systemd/system/ssh.socket.d/port.conf", listen)
        yield "systemctl -q disable ssh.service; systemctl -q enable ssh.socket"


def _root(variant: Variant, public_key: str) -> Iterator[str]:
    if variant.root_key or not (variant.user or variant.root_password):
        yield from _authorize("root", "/root", public_key)
    if variant.root_password:
        yield _password("root", variant.root_password)
    if variant.root_password_expired:
        yield "chage -d 0 root"


def _user(variant: Variant, public_key: str) -> Iterator[str]:
    user = shlex.quote(variant.user)
    yield f"useradd --create-home --shell {shlex.quote(variant.shell)} {user}"
    yield from _authorize(variant.user, f"/home/{variant.user}", public_key)
    if variant.user_password:
        yield _password(variant.user, variant.user_password)
    if variant.sudo != "none":
        right = "NOPASSWD: ALL" if variant.sudo == "passwordless" else "ALL"
        yield _write("/etc/sudoers.d/90-vendor", f"{variant.user} ALL=(ALL:ALL) {right}")
        yield "chmod 440 /etc/sudoers.d/90-vendor"


def _authorize(user: str, home: str, public_key: str) -> Iterator[str]:
    directory = f"{home}/.ssh"
    yield f"install -d -m 700 -o {shlex.quote(user)} -g {shlex.quote(user)} {directory}"
    yield _write(f"{directory}/authorized_keys", public_key)
    yield f"chown {shlex.quote(user)}: {directory}/authorized_keys; chmod 600 {directory}/authorized_keys"


def _os_release(keys: Mapping[str, str]) -> Iterator[str]:
    for key, value in keys.items():
        yield f"sed -i '/^{key}=/d' /usr/lib/os-release"
        line = f'{key}="{value}"'
        yield f"echo {shlex.quote(line)} >>/usr/lib/os-release"


def _disk(free_megabytes: int) -> Iterator[str]:
    if free_megabytes:
        yield _write("/etc/testbed-free-megabytes", str(free_megabytes))


def _password(user: str, password: str) -> str:
    return f"printf '%s\\n' {shlex.quote(f'{user}:{password}')} | chpasswd"


def _write(path: str, content: str) -> str:
    return f"printf '%s\\n' {shlex.quote(content)} >{path}"
