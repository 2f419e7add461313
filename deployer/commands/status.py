"""`status`: the whole host on one screen, asked in one round trip."""

from dataclasses import asdict

from deployer.engine.survey import script_for
from deployer.errors import Context, DeployerError
from deployer.run.command import COMMON, Choices, Command
from deployer.run.host_run import HostRun, on_hosts
from deployer.status.screen import text
from deployer.status.state import asked, state


def status(choices: Choices) -> int:
    return on_hosts(choices, _status)


def _status(run: HostRun) -> int:
    reply = run.transport.run(script_for(tuple(asked(run.host).values())), limit=60)
    found = state(run.host, reply.output)
    fields: dict[str, object] = {"host": run.host.host_name, **asdict(found)}
    run.report.data("status", fields, text(run.host, found))
    if found.down:
        run.verdicts.add("failed")
        remedies = {down.remedy: None for down in found.down}
        raise DeployerError(
            "\n".join(down.what for down in found.down),
            remedy="\n".join(remedies),
            context=Context(host=run.host.host_name),
        )
    run.verdicts.add("unchanged")
    return 0


COMMAND = Command(
    status,
    COMMON,
)
