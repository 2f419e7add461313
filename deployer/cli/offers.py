"""What a host has to offer for a value: see completion.py, which loads this when it is wanted."""

from collections.abc import Callable, Mapping
from io import StringIO

from deployer.backups.catalogue import on_host
from deployer.commands.releases import known
from deployer.errors import DeployerError
from deployer.output.jsonlines import JsonLines
from deployer.output.report import Verdicts
from deployer.run.command import BACKUPS, RELEASES, Choices
from deployer.run.host_run import HostRun
from deployer.run.hosts import chosen_hosts, connect


def offers(source: str, choices: Choices) -> list[str]:
    """All of them, by the source of an option; nothing where the host does not answer."""
    return SOURCES[source](choices)


def _backups(choices: Choices) -> list[str]:
    """The latest first."""
    return _asked(choices, lambda run: [backup.timestamp for backup in on_host(run) if not backup.problem][::-1])


def _releases(choices: Choices) -> list[str]:
    """The latest first."""
    return _asked(choices, lambda run: sorted(known(run)[1], reverse=True))


def _asked(choices: Choices, ask: Callable[[HostRun], list[str]]) -> list[str]:
    """Of the host, where only one is chosen."""
    try:
        (host,) = chosen_hosts(choices)
    except (DeployerError, ValueError):
        return []
    transport = connect(host, choices)
    try:
        return ask(HostRun(host, transport, JsonLines(StringIO(), StringIO()), choices, Verdicts()))
    except DeployerError:
        return []
    finally:
        transport.close()


SOURCES: Mapping[str, Callable[[Choices], list[str]]] = {BACKUPS: _backups, RELEASES: _releases}
