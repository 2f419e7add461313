"""Why connecting failed: an error's message and remedy for each cause."""

import errno
import socket

from paramiko import BadHostKeyException, ChannelException, SSHException
from paramiko.ssh_exception import IncompatiblePeer

from deployer.errors import ConnectionFailed, Context
from deployer.transport.authentication import KeyFileUnusable, NothingAccepted
from deployer.transport.host_keys import UnknownHostKey, fingerprint, kind
from deployer.transport.settings import Endpoint


class Unreachable(ConnectionFailed):
    """The network or the server is not ready, and may be a second later; all other failures would repeat."""


def explain(error: Exception, endpoint: Endpoint, limit: float) -> ConnectionFailed:
    """The error for whatever connecting raised. `limit` in seconds was allowed for it."""
    match error:
        case ConnectionFailed():
            failure = error
        case UnknownHostKey():
            failure = _unknown(error, endpoint)
        case BadHostKeyException():
            failure = _changed(error, endpoint)
        case NothingAccepted():
            failure = _nothing_accepted(error, endpoint)
        case KeyFileUnusable():
            failure = endpoint.failure(error.what, error.remedy)
        case IncompatiblePeer():
            failure = _incompatible(error, endpoint)
        case _:
            failure = _network(error, endpoint, limit)
    return failure


def lost(endpoint: Endpoint, cause: Exception | None) -> ConnectionFailed:
    """The connection broke after it was established."""
    why = f": {_text_of(cause)}" if cause and not isinstance(cause, EOFError) else ""
    return endpoint.failure(
        f"the connection to {endpoint} was lost{why}",
        "Run the same command again: it checks the state of the host and continues from there.",
    )


def _unknown(error: UnknownHostKey, endpoint: Endpoint) -> ConnectionFailed:
    shown = fingerprint(error.key)
    return endpoint.failure(
        f"the host key of {endpoint} is unknown: {shown} ({kind(error.key)})",
        f"Compare it with the one that the provider shows, or that the host's console prints for: ssh-keygen -lf "
        f"/etc/ssh/ssh_host_{kind(error.key).lower()}_key.pub . If it is the same: "
        f"deployer trust --host {endpoint.host_name} --fingerprint {shown}",
    )


def _changed(error: BadHostKeyException, endpoint: Endpoint) -> ConnectionFailed:
    return endpoint.failure(
        f"the host key of {endpoint} has CHANGED: known is {fingerprint(error.expected_key)} "
        f"({kind(error.expected_key)}), presented is {fingerprint(error.key)} ({kind(error.key)})",
        "Somebody may be intercepting the connection. Do not continue unless you know why the key changed (was "
        "the server reinstalled?). Read the fingerprint another way, such as the provider's console, and pin "
        f"what you read there: deployer trust --host {endpoint.host_name} --fingerprint SHA256:…",
    )


def _nothing_accepted(error: NothingAccepted, endpoint: Endpoint) -> ConnectionFailed:
    nothing = ["nothing: this machine has no usable key, and no SSH agent offers one"]
    tried = "".join(f"\n  {line}" for line in error.tried or nothing)
    return endpoint.failure(
        f"{endpoint} does not let {endpoint.user} log in; tried:{tried}",
        f"Put your public key into ~{endpoint.user}/.ssh/authorized_keys there, or name the right key in "
        f"ssh.identity_file; on a new server: deployer bootstrap --host {endpoint.host_name}",
    )


def _incompatible(error: IncompatiblePeer, endpoint: Endpoint) -> ConnectionFailed:
    return endpoint.failure(
        f"{endpoint} and this tool have no algorithm in common: {error}",
        "Allow one of them in the server's sshd_config (KexAlgorithms, Ciphers, MACs, HostKeyAlgorithms).",
    )


def _network(error: Exception, endpoint: Endpoint, limit: float) -> ConnectionFailed:
    what, hint = _what_broke(error, endpoint, limit)
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
        return endpoint.failure(what, f"Correct {endpoint.setting}, or the DNS record.")
    usual = f"Is {endpoint.setting} right, the machine up, and port {endpoint.port} open in each firewall between?"
    return Unreachable(what, remedy=hint + usual, context=Context(host=endpoint.host_name))


def _what_broke(error: Exception, endpoint: Endpoint, limit: float) -> tuple[str, str]:
    """What happened, and a hint to put before the usual remedy."""
    match error:
        case socket.gaierror():
            answer = f"the name {endpoint.address} does not resolve", ""
        case ConnectionRefusedError():
            answer = f"{endpoint} refuses the connection", "Is sshd running there? "
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            answer = f"there is no route to {endpoint}", ""
        case ChannelException():
            answer = f"the gateway cannot reach {endpoint}: {error.text}", ""
        case SSHException() if "banner" in str(error):
            answer = f"{endpoint} does not answer as an SSH server, or is too busy to answer", _BUSY
        case _ if _is_timeout(error):
            answer = f"{endpoint} did not answer within {limit:.0f} s", ""
        case _:
            answer = f"the connection to {endpoint} failed: {_text_of(error)}", ""
    return answer


_BUSY = "A server under attack refuses some logins (MaxStartups): try again in a moment. "


def _is_timeout(error: Exception) -> bool:
    """paramiko's start_client gives up silently; fetching the host key then fails with this text."""
    return isinstance(error, TimeoutError) or "No existing session" in str(error)


def _text_of(error: Exception) -> str:
    """The text of an error without its number, never empty."""
    words = error.strerror if isinstance(error, OSError) else ""
    return words or str(error) or type(error).__name__
