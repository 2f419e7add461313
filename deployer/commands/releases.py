"""`releases`: what was deployed when, by whom, from which commit; which release serves, and which are kept."""

from dataclasses import asdict

from deployer.engine.facts import Unknown
from deployer.releases import log as history
from deployer.releases.log import Release
from deployer.releases.rollback import ask_kept, ask_log, kept
from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts

_HEAD = f"{'':>7}  {'release':24}  {'commit':12}  {'ref':12}  {'since':20}  who"


def releases(choices: Choices) -> int:
    return on_hosts(choices, _releases)


def _releases(run: HostRun) -> int:
    log, retained = known(run)
    current = history.current(log)
    head = f"{_HEAD}\n"
    for release in _latest(log):
        state = _state(release, current, retained)
        run.report.data("release", {**asdict(release), "state": state}, head + _line(release, state))
        head = ""
    if not log:
        text = f"no release yet; run `deployer provision --host {run.host.host_name}`"
        run.report.data("note", {"text": "no release yet"}, text)
    unrecorded = sorted(retained - {release.id for release in history.succeeded(log)})
    if unrecorded:
        text = f"the log has no line for {', '.join(unrecorded)}"
        remedy = f"run `deployer provision --host {run.host.host_name}`: it repairs the log"
        run.report.data("note", {"text": text, "remedy": remedy}, f"note: {text} → {remedy}")
    run.verdicts.add("unchanged")
    return 0


def known(run: HostRun) -> tuple[tuple[Release, ...], frozenset[str]]:
    """All releases of the log, and the ids of those that are kept; one round trip."""
    facts = run.ask({"log": ask_log(run.host), "kept": ask_kept(run.host)})
    try:
        return history.parse(facts["log"]), frozenset(kept(facts["kept"]))
    except Unknown as unknown:
        raise run.error(f"the releases could not be read: {unknown}", remedy="run the same command again") from None


def _latest(log: tuple[Release, ...]) -> tuple[Release, ...]:
    """Each release once, as last recorded; oldest first."""
    return tuple(sorted({release.id: release for release in log}.values(), key=lambda release: release.id))


def _state(release: Release, current: Release | None, retained: frozenset[str]) -> str:
    if current and release.id == current.id:
        return "serves"
    if release.result == "failed":
        return "failed"
    return "kept" if release.id in retained else "gone"


def _line(release: Release, state: str) -> str:
    why = f"  {release.why}" if release.why else ""
    return f"{state:>7}  {release.id:24}  {release.commit[:12]}  {release.ref:12}  {release.time}  {release.who}{why}"


COMMAND = Command(
    releases,
    COMMON,
    examples=("--host prod",),
)
