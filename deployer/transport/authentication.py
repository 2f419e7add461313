"""Which keys are offered to a host, in which order, and a report of what was tried when none is accepted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from paramiko import Agent, ECDSAKey, PasswordRequiredException, PKey, RSAKey, SSHException, Transport
from paramiko.auth_strategy import AuthStrategy
from paramiko.pkey import UnknownKeyType

from deployer.secret import Secret

DEFAULT_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Of the files in ~/.ssh that ssh(1) tries by itself, those that paramiko can read."""

UNREADABLE = (SSHException, UnknownKeyType, OSError, ValueError)


class KeyFileUnusable(Exception):
    """The identity file of the inventory is missing, locked or no key. Holds the message and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class NothingAccepted(SSHException):
    """Holds what was offered, and what was left out and why, one line each."""

    def __init__(self, tried: list[str]) -> None:
        super().__init__("no key was accepted")
        self.tried = tried


class Offer(Protocol):
    """One way to authenticate, with its name for messages."""

    @property
    def name(self) -> str: ...
    def authenticate(self, transport: Transport, user: str) -> list[str]:
        """The methods that the server still requires; empty when login is complete."""


@dataclass(frozen=True)
class KeyOffer:
    key: PKey
    name: str

    def authenticate(self, transport: Transport, user: str) -> list[str]:
        return list(transport.auth_publickey(user, self.key))


@dataclass(frozen=True)
class PasswordOffer:
    password: Secret
    name: str = "the password"

    def authenticate(self, transport: Transport, user: str) -> list[str]:
        return list(transport.auth_password(user, self.password.reveal()))


@dataclass
class Identities:
    """Where keys are looked for. The inventory's own file, if set, is the only one (ssh -o IdentitiesOnly=yes -i)."""

    own: Path | None
    configured: list[Path]
    use_agent: bool
    left_out: list[str] = field(default_factory=list)

    def offers(self, agent: list[PKey]) -> Iterator[Offer]:
        if self.own is not None:
            yield self._own_key(self.own, agent)
            return
        if self.use_agent:
            yield from (KeyOffer(key, f"agent key {key.fingerprint}") for key in agent)
        for path in self.configured or [Path("~/.ssh", name).expanduser() for name in DEFAULT_NAMES]:
            yield from self._from_file(path)

    def _own_key(self, path: Path, agent: list[PKey]) -> Offer:
        if not path.is_file():
            raise KeyFileUnusable(f"the identity file {path} does not exist", "Correct ssh.identity_file.")
        try:
            return KeyOffer(_load(path), str(path))
        except PasswordRequiredException:
            return _unlocked_by_agent(path, agent)
        except UNREADABLE:
            raise KeyFileUnusable(
                f"the identity file {path} holds no private key that can be used",
                "Correct ssh.identity_file: the private key (not .pub), of type ed25519, ecdsa or rsa.",
            ) from None

    def _from_file(self, path: Path) -> Iterator[Offer]:
        if not path.is_file():
            return
        try:
            yield KeyOffer(_load(path), str(path))
        except PasswordRequiredException:
            self.left_out.append(f"{path} (locked by a passphrase: ssh-add {path})")
        except UNREADABLE:
            self.left_out.append(f"{path} (holds no key that can be used)")


class Login(AuthStrategy):
    """One offer after the other until the server accepts; some servers require a key and a password."""

    def __init__(self, user: str, identities: Identities, password: Secret | None) -> None:
        super().__init__(ssh_config=None)  # type: ignore[arg-type]  # only kept, never used
        self._user = user
        self._identities = identities
        self._password = password

    def authenticate(self, transport: Transport) -> None:  # type: ignore[override]
        tried: list[str] = []
        agent = Agent()
        try:
            for offer in self._offers(list(agent.get_keys())):
                if self._is_enough(offer, transport, tried):
                    return
        finally:
            agent.close()
        raise NothingAccepted(tried + self._identities.left_out)

    def get_sources(self) -> NoReturn:
        raise NotImplementedError("`authenticate` is all that paramiko calls")

    def _offers(self, agent: list[PKey]) -> Iterator[Offer]:
        yield from self._identities.offers(agent)
        if self._password is not None:
            yield PasswordOffer(self._password)

    def _is_enough(self, offer: Offer, transport: Transport, tried: list[str]) -> bool:
        """Raises NothingAccepted when the connection broke, not the offer."""
        try:
            wanted = offer.authenticate(transport, self._user)
        except SSHException as error:
            if not transport.is_active():
                raise NothingAccepted([*tried, f"{offer.name} (and the server closed the connection)"]) from error
            tried.append(offer.name)
            return False
        if wanted:
            tried.append(f"{offer.name} (accepted, but {' or '.join(wanted)} is required too)")
        return not wanted


def _load(path: Path) -> PKey:
    """The key, with its certificate where PATH-cert.pub exists."""
    try:
        return PKey.from_path(path)
    except TypeError as locked:  # how cryptography says that a passphrase is missing
        raise PasswordRequiredException(str(locked)) from None
    except SSHException:
        return _load_unpadded(path)


def _load_unpadded(path: Path) -> PKey:
    """paramiko 5.1 misreads a key without a comment that needs no padding: half of all such ecdsa keys.

    Its `_unpad_openssh` takes the last byte, 0, for a number of bytes to cut off. cryptography reads them.
    """
    loaded = load_ssh_private_key(path.read_bytes(), password=None)
    key: PKey
    if isinstance(loaded, RSAPrivateKey):
        key = RSAKey(key=loaded)
    elif isinstance(loaded, EllipticCurvePrivateKey):
        key = ECDSAKey(vals=(loaded, loaded.public_key()))
    else:
        raise SSHException("neither rsa nor ecdsa")
    certificate = path.with_name(f"{path.name}-cert.pub")
    if certificate.exists():
        key.load_certificate(str(certificate))
    return key


def _unlocked_by_agent(path: Path, agent: list[PKey]) -> Offer:
    """A locked file does not matter where the agent holds the same key, which its public half identifies."""
    public = path.with_name(f"{path.name}.pub")
    words = public.read_text().split() if public.is_file() else []
    for key in agent:
        if len(words) > 1 and key.get_base64() == words[1]:
            return KeyOffer(key, f"agent key {key.fingerprint}")
    raise KeyFileUnusable(
        f"the identity file {path} is locked by a passphrase", f"Unlock it for this session: ssh-add {path}"
    )
