"""`releases`: what was deployed when, by whom, from what; which one serves, and which can come back."""

from dataclasses import asdict

from deployer.engine.survey import parse, script_for
from deployer.releases import log as words
from deployer.releases.log import Release
from deployer.releases.rollback import ask_kept, ask_log, kept
from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts

_HEAD = f"{'':>7}  {'release':24}  {'commit':12}  {'ref':12}  {'since':20}  who"


def releases(choices: Choices) -> int:
    return on_hosts(choices, _releases)


def _releases(run: HostRun) -> int:
    log, there = known(run)
    current = words.current(log)
    head = f"{_HEAD}\n"
    for release in _latest(log):
        state = _state(release, current, there)
        run.report.data("release", {**asdict(release), "state": state}, head + _line(release, state))
        head = ""
    if not log:
        run.report.data(
            "note", {"text": "no release yet"}, f"no release yet: deployer provision -H {run.host.host_name}"
        )
    run.verdicts.add("unchanged")
    return 0


def known(run: HostRun) -> tuple[tuple[Release, ...], frozenset[str]]:
    """All releases of the log, and the ids of those that are kept; one round trip."""
    asked = (ask_log(run.host), ask_kept(run.host))
    told = parse(run.transport.run(script_for(asked), limit=60).output, asked)
    return words.parse(told[asked[0]].output), frozenset(kept(told[asked[1]].output))


def _latest(log: tuple[Release, ...]) -> tuple[Release, ...]:
    """Each release once, as it was told last; oldest first."""
    return tuple(sorted({release.id: release for release in log}.values(), key=lambda release: release.id))


def _state(release: Release, current: Release | None, there: frozenset[str]) -> str:
    if current and release.id == current.id:
        return "serves"
    if release.result == "failed":
        return "failed"
    return "kept" if release.id in there else "gone"


def _line(release: Release, state: str) -> str:
    why = f"  {release.why}" if release.why else ""
    return f"{state:>7}  {release.id:24}  {release.commit[:12]}  {release.ref:12}  {release.time}  {release.who}{why}"


COMMAND = Command(
    releases,
    COMMON,
)
