"""`status`: the state of a host on one screen, from one round trip."""

from dataclasses import asdict

from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts
from deployer.status.decode import state
from deployer.status.questions import questions
from deployer.status.screen import text


def status(choices: Choices) -> int:
    return on_hosts(choices, _status)


def _status(run: HostRun) -> int:
    found = state(run.host, run.ask(questions(run.host)))
    fields: dict[str, object] = {"host": run.host.host_name, **asdict(found)}
    run.report.data("status", fields, text(run.host, found))
    if found.down:
        run.verdicts.add("failed")
        remedies = dict.fromkeys(problem.remedy for problem in found.down)
        raise run.error("\n".join(problem.what for problem in found.down), remedy="\n".join(remedies))
    run.verdicts.add("unchanged")
    return 0


COMMAND = Command(
    status,
    COMMON,
    examples=("--host prod", "--host prod --json"),
)
