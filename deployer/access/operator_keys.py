"""The operator's own public keys: what bootstrap authorizes."""

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.transport.authentication import DEFAULT_NAMES

MAKE = "make one with ssh-keygen -t ed25519, and set ssh.identity_file to it (or run ssh-add)"


def public_keys(host: Inventory) -> tuple[str, ...]:
    """As lines of authorized_keys: the identity file's, else all that the agent holds. Raises UsageError."""
    if host.ssh.identity_file:
        return (_of_file(host.local_path(host.ssh.identity_file).expanduser()),)
    keys = _of_agent() or _of_defaults()
    if not keys:
        raise UsageError(
            "you have no SSH key to authorize: ssh.identity_file is not set and the agent holds none", remedy=MAKE
        )
    return keys


def _of_file(private: Path) -> str:
    public = private.with_name(f"{private.name}.pub")
    if public.is_file():
        return _checked(public.read_text(), public)
    return _derived(private)


def _checked(text: str, file: Path) -> str:
    """Nothing but a public key may go into authorized_keys, whatever the file holds."""
    line = text.strip()
    try:
        load_ssh_public_key(line.encode())
    except Exception:  # ValueError, UnsupportedAlgorithm: in any case it is not a key
        raise UsageError(
            f"{file} does not hold a public key", remedy=f"ssh-keygen -y -f {file.with_suffix('')} >{file}"
        ) from None
    if "\n" in line or not line.isprintable():
        raise UsageError(f"{file} holds more than one line", remedy="keep one key in it")
    return line


def _derived(private: Path) -> str:
    try:
        key = load_ssh_private_key(private.read_bytes(), password=None).public_key()
    except OSError as error:
        raise UsageError(f"{private}: {error.strerror}", remedy="correct ssh.identity_file") from None
    except Exception:  # locked (TypeError) or in another format (ValueError): the public half must be in a file
        raise UsageError(
            f"{private} is locked or not an OpenSSH key, and {private}.pub does not exist",
            remedy=f"ssh-keygen -y -f {private} >{private}.pub",
        ) from None
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _of_agent() -> tuple[str, ...]:
    """`ssh-add -L` exits 1 for an agent without keys, 2 where there is no agent."""
    try:
        listed = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(listed.stdout.splitlines()) if listed.returncode == 0 else ()


def _of_defaults() -> tuple[str, ...]:
    """The first of the files that ssh tries by itself."""
    found = (Path("~/.ssh", name).expanduser() for name in DEFAULT_NAMES)
    return tuple(_of_file(path) for path in found if path.is_file())[:1]
