"""`trust`: the host key's fingerprint, hop by hop, pinned once somebody has vouched for it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import ConnectionFailed, Context, DeployerError, UsageError
from deployer.inventory.model import Inventory
from deployer.output.report import ShownChange, ShownNote, StepReport, Verdict
from deployer.run.command import COMMON, YES, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.run.hosts import ssh_settings
from deployer.run.prompts import agrees, ask, can_ask
from deployer.transport.protocol import Transport

if TYPE_CHECKING:
    from deployer.transport.trust import HostKey

SECTION = "Host key"
COMPARE = (
    "compare it with what the provider shows, or on the server's console: "
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
)


def trust(choices: Choices) -> int:
    return on_hosts(choices, _trust, _not_connected)


def _not_connected(host: Inventory, choices: Choices) -> Transport:
    """Nobody can log in before the key is trusted."""
    from deployer.transport.ssh import SshTransport

    return SshTransport(ssh_settings(host, choices))


def _trust(run: HostRun) -> int:
    if run.host.is_local:
        _tell(run, "unchanged", note=ShownNote("this machine itself is meant: there is no host key to trust"))
        return 0
    from deployer.transport.trust import fetch_host_keys, is_pinned

    expected = Expected(_fingerprints(run.choices))
    settings = ssh_settings(run.host, run.choices)
    for key in fetch_host_keys(settings):
        pinned = is_pinned(settings.known_hosts, key)
        _show(run, key, pinned=pinned)
        if expected.is_one(key.fingerprint) and not pinned:
            _pin(run, settings.known_hosts, key)
        elif not pinned:
            _vouched_for(run, expected, key, known=_known(settings.known_hosts, key))
            _pin(run, settings.known_hosts, key)
        else:
            _tell(run, "unchanged", note=ShownNote(f"{key.name}: {key.fingerprint} is pinned already"))
    _refuse_unseen(run, expected)
    return 0


@dataclass
class Expected:
    """The fingerprints that the command line vouches for, and those of them that were met."""

    fingerprints: tuple[str, ...]
    met: set[str] = field(default_factory=set)

    def is_one(self, fingerprint: str) -> bool:
        if fingerprint in self.fingerprints:
            self.met.add(fingerprint)
        return fingerprint in self.fingerprints


def _fingerprints(choices: Choices) -> tuple[str, ...]:
    """One, or with a gateway several: separated by commas, as ssh-keygen -lf prints them."""
    words = [word.strip().rstrip("=") for word in choices.text("fingerprint").split(",") if word.strip()]
    for word in words:
        if not word.startswith("SHA256:") or len(word) != len("SHA256:") + 43:
            raise UsageError(f"--fingerprint: got {word!r}, which is not SHA256: and 43 characters", remedy=COMPARE)
    return tuple(words)


def _known(known_hosts: Path, key: "HostKey") -> tuple[str, ...]:
    """The fingerprints that counted for this name so far."""
    from deployer.transport.host_keys import fingerprint, known_keys

    known = known_keys(key.name, known_hosts).lookup(key.name)
    return tuple(fingerprint(one) for one in known.values()) if known else ()


def _vouched_for(run: HostRun, expected: Expected, key: "HostKey", *, known: tuple[str, ...]) -> None:
    """Returns when somebody has vouched for the key. Raises DeployerError otherwise."""
    if expected.fingerprints:
        raise _mismatch(run, expected.fingerprints, f"{key.name} presents {key.fingerprint}")
    if known:
        _changed_knowingly(run, key, known)
    elif run.choices.flag("yes"):
        return
    elif not can_ask(run.choices):
        raise UsageError(
            f"{key.name} presents {key.fingerprint}, and nobody is there to say yes", remedy=_how(run, key)
        )
    elif not agrees(f"Is {key.fingerprint} the key of {key.name}? ({COMPARE})"):
        raise DeployerError(f"{key.name} is not trusted", context=_context(run))


def _changed_knowingly(run: HostRun, key: "HostKey", known: tuple[str, ...]) -> None:
    what = f"the host key of {key.name} has CHANGED: known is {', '.join(known)}, presented is {key.fingerprint}"
    if not can_ask(run.choices):
        remedy = f"if you know why (was the server set up anew?): {COMPARE}; then {_how(run, key)}"
        raise ConnectionFailed(what, remedy=f"{remedy}\n--yes alone never replaces a known key", context=_context(run))
    if ask(f"{what}\nSomebody may be intercepting the connection. Type yes to replace the known key") != "yes":
        raise DeployerError(f"the known key of {key.name} is kept", context=_context(run))


def _how(run: HostRun, key: "HostKey") -> str:
    return f"deployer trust --host {run.host.host_name} --fingerprint {key.fingerprint}, once you have compared it"


def _pin(run: HostRun, known_hosts: Path, key: "HostKey") -> None:
    from deployer.transport.trust import is_pinned, pin

    pin(known_hosts, key)
    if not is_pinned(known_hosts, key):
        raise DeployerError(
            f"{key.fingerprint} is marked @revoked in a known_hosts file: it is not trusted", context=_context(run)
        )
    _tell(run, "changed", change=ShownChange(f"pin {key.fingerprint} for {key.name} in {known_hosts}"))


def _refuse_unseen(run: HostRun, expected: Expected) -> None:
    unseen = tuple(one for one in expected.fingerprints if one not in expected.met)
    if unseen:
        raise _mismatch(run, unseen, "no hop presents it")


def _mismatch(run: HostRun, expected: tuple[str, ...], seen: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"expected {', '.join(expected)}, but {seen}",
        remedy="another machine may be answering; compare again what you took the fingerprint from "
        "(with a gateway give each hop's, separated by commas)",
        context=_context(run),
    )


def _show(run: HostRun, key: "HostKey", *, pinned: bool) -> None:
    fields: dict[str, object] = {
        "name": key.name,
        "kind": key.kind,
        "bits": key.bits,
        "fingerprint": key.fingerprint,
        "pinned": pinned,
    }
    run.report.data("host key", fields, str(key))


def _tell(run: HostRun, verdict: Verdict, *, change: ShownChange | None = None, note: ShownNote | None = None) -> None:
    run.verdicts.add(verdict)
    run.report.step(StepReport("trust", SECTION, verdict, (change,) if change else (), (note,) if note else ()))


def _context(run: HostRun) -> Context:
    return Context(host=run.host.host_name, step=SECTION)


COMMAND = Command(
    trust,
    (
        *COMMON,
        Option("fingerprint", "the key to pin, SHA256:…; with a gateway one for each hop, separated by commas"),
        YES,
    ),
)
