"""The operator's own public keys: what bootstrap authorizes."""

import subprocess
from pathlib import Path

from deployer.errors import UsageError
from deployer.inventory.model import Inventory

MAKE = "make one with ssh-keygen -t ed25519, and name it in ssh.identity_file (or ssh-add it)"


def public_keys(host: Inventory) -> tuple[str, ...]:
    """As lines of authorized_keys: the identity file's, else all that the agent holds. Raises UsageError."""
    if host.ssh.identity_file:
        return (_of_file(host.local_path(host.ssh.identity_file).expanduser()),)
    keys = _of_agent() or _of_defaults()
    if not keys:
        raise UsageError(
            "there is no key of yours to authorize: no ssh.identity_file, nothing in the agent", remedy=MAKE
        )
    return keys


def _of_file(private: Path) -> str:
    public = private.with_name(f"{private.name}.pub")
    if public.is_file():
        return _checked(public.read_text(), public)
    return _derived(private)


def _checked(text: str, file: Path) -> str:
    """Nothing but a public key may go into authorized_keys, whatever the file holds."""
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    line = text.strip()
    try:
        load_ssh_public_key(line.encode())
    except Exception:  # ValueError, UnsupportedAlgorithm: whatever it is, it is no key
        raise UsageError(
            f"{file} holds no public key", remedy=f"ssh-keygen -y -f {file.with_suffix('')} >{file}"
        ) from None
    if "\n" in line or not line.isprintable():
        raise UsageError(f"{file} holds more than one line", remedy="keep one key in it")
    return line


def _derived(private: Path) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    try:
        key = load_ssh_private_key(private.read_bytes(), password=None).public_key()
    except OSError as error:
        raise UsageError(f"{private}: {error.strerror}", remedy="correct ssh.identity_file") from None
    except Exception:  # locked (TypeError), another format (ValueError): its public half has to be said
        raise UsageError(
            f"{private} is locked or no OpenSSH key, and {private}.pub is not there",
            remedy=f"ssh-keygen -y -f {private} >{private}.pub",
        ) from None
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _of_agent() -> tuple[str, ...]:
    """`ssh-add -L` says in words that there is no agent, or none of its keys."""
    try:
        asked = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(asked.stdout.splitlines()) if asked.returncode == 0 else ()


def _of_defaults() -> tuple[str, ...]:
    """The first of the files that ssh tries by itself."""
    from deployer.transport.authentication import DEFAULT_NAMES

    found = (Path("~/.ssh", name).expanduser() for name in DEFAULT_NAMES)
    return tuple(_of_file(path) for path in found if path.is_file())[:1]
