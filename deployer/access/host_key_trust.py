"""Pin the host key of each hop once somebody has confirmed its fingerprint; replace a pinned one only knowingly."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from deployer.errors import ConnectionFailed, UsageError
from deployer.output.report import ShownChange, ShownNote, StepReport, Verdict
from deployer.run.command import Choices
from deployer.run.host_run import HostRun
from deployer.run.hosts import ssh_settings
from deployer.run.prompts import agrees, ask, can_ask
from deployer.transport.connection import fetch_host_keys
from deployer.transport.host_keys import HostKey, fingerprint, is_pinned, known_keys, pin

SECTION = "Host key"
COMPARE = (
    "compare it with the fingerprint that the provider shows, or run on the server's console: "
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
)


def trust_host_keys(run: HostRun) -> None:
    """Gateways first: each hop is reached through the one before. Raises DeployerError for a key not confirmed."""
    expected = Expected(fingerprints(run.choices))
    settings = ssh_settings(run.host, run.choices)
    for key in fetch_host_keys(settings):
        pinned = is_pinned(settings.known_hosts, key)
        _show(run, key, pinned=pinned)
        if pinned:
            expected.check(key)
            report(run, "unchanged", note=ShownNote(f"{key.name}: {key.fingerprint} is already pinned"))
        else:
            if not expected.check(key):
                _confirm(run, expected, key, known=_known(settings.known_hosts, key))
            _pin(run, settings.known_hosts, key)
    if unmet := expected.unmet():
        raise _mismatch(run, unmet, "no hop presents it")


@dataclass
class Expected:
    """The fingerprints given on the command line, and those of them that a hop presented."""

    fingerprints: tuple[str, ...]
    met: set[str] = field(default_factory=set)

    def check(self, key: HostKey) -> bool:
        """Whether the key was given on the command line."""
        if key.fingerprint in self.fingerprints:
            self.met.add(key.fingerprint)
        return key.fingerprint in self.fingerprints

    def unmet(self) -> tuple[str, ...]:
        return tuple(one for one in self.fingerprints if one not in self.met)


def fingerprints(choices: Choices) -> tuple[str, ...]:
    """Of --fingerprint: one, or with a gateway several, separated by commas. Raises UsageError."""
    words = [word.strip().rstrip("=") for word in choices.text("fingerprint").split(",") if word.strip()]
    for word in words:
        if not word.startswith("SHA256:") or len(word) != len("SHA256:") + 43:
            raise UsageError(
                f"--fingerprint {word}: not a fingerprint; expected SHA256: and 43 characters", remedy=COMPARE
            )
    return tuple(words)


def _known(known_hosts: Path, key: HostKey) -> tuple[str, ...]:
    """The fingerprints that counted for this name so far."""
    known = known_keys(key.name, known_hosts).lookup(key.name)
    return tuple(fingerprint(one) for one in known.values()) if known else ()


def _confirm(run: HostRun, expected: Expected, key: HostKey, *, known: tuple[str, ...]) -> None:
    """Returns when somebody has confirmed the key. Raises DeployerError otherwise."""
    if expected.fingerprints:
        raise _mismatch(run, expected.fingerprints, f"{key.name} presents {key.fingerprint}")
    if known:
        _confirm_replacement(run, key, known)
    elif run.choices.flag("yes"):
        return
    elif not can_ask(run.choices):
        raise UsageError(
            f"{key.name} presents {key.fingerprint}, and there is no terminal to confirm it on",
            remedy=_command(run, key),
        )
    elif not agrees(f"Is {key.fingerprint} the key of {key.name}? ({COMPARE})"):
        raise run.error(f"the key of {key.name} was not confirmed; nothing is pinned", step=SECTION)


def _confirm_replacement(run: HostRun, key: HostKey, known: tuple[str, ...]) -> None:
    what = f"the host key of {key.name} has CHANGED: pinned is {', '.join(known)}, presented is {key.fingerprint}"
    if not can_ask(run.choices):
        remedy = (
            f"if you know why (a reinstalled server, for example), {COMPARE}; then run {_command(run, key)}\n"
            "--yes alone never replaces a pinned key"
        )
        raise _refused(run, what, remedy)
    if ask(f"{what}\nSomebody may be intercepting the connection. Type yes to replace the pinned key") != "yes":
        raise run.error(f"the pinned key of {key.name} is kept", step=SECTION)


def _command(run: HostRun, key: HostKey) -> str:
    return f"deployer trust --host {run.host.host_name} --fingerprint {key.fingerprint}, once you have compared it"


def _pin(run: HostRun, known_hosts: Path, key: HostKey) -> None:
    pin(known_hosts, key)
    if not is_pinned(known_hosts, key):
        what = f"{key.fingerprint} is marked @revoked in a known_hosts file, so it is not trusted"
        raise run.error(what, step=SECTION)
    report(run, "changed", change=ShownChange(f"pin {key.fingerprint} for {key.name} in {known_hosts}"))


def _mismatch(run: HostRun, expected: tuple[str, ...], seen: str) -> ConnectionFailed:
    remedy = (
        "another machine may be answering; check where you got the fingerprint from "
        "(with a gateway give one for each hop, separated by commas)"
    )
    return _refused(run, f"expected {', '.join(expected)}, but {seen}", remedy)


def _refused(run: HostRun, what: str, remedy: str) -> ConnectionFailed:
    return ConnectionFailed(what, remedy=remedy, context=run.error(what, step=SECTION).context)


def _show(run: HostRun, key: HostKey, *, pinned: bool) -> None:
    fields = {name: value for name, value in asdict(key).items() if name != "known_hosts_line"}
    run.report.data("host key", {**fields, "pinned": pinned}, str(key))


def report(run: HostRun, verdict: Verdict, *, change: ShownChange | None = None, note: ShownNote | None = None) -> None:
    """Count and print one hop's result."""
    run.verdicts.add(verdict)
    run.report.step(StepReport("trust", SECTION, verdict, (change,) if change else (), (note,) if note else ()))
