"""One command on its hosts: the report, the recap, and the one place where errors are caught and reported."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from deployer.engine.facts import Ask, Facts
from deployer.engine.host_program import MISSING, call
from deployer.engine.survey import parse, script_for
from deployer.errors import Context, DeployerError, Interrupted
from deployer.inventory.model import Inventory
from deployer.output.jsonlines import JsonLines
from deployer.output.report import Recap, Report, Verdicts
from deployer.run.command import Choices
from deployer.run.hosts import chosen_hosts, connect
from deployer.transport.protocol import Reply, Transport

Connecting = Callable[[Inventory, Choices], Transport]
"""How a command gets its transport; nothing connects before it is used."""


@dataclass(frozen=True)
class HostRun:
    """One command on one host."""

    host: Inventory
    transport: Transport
    report: Report
    choices: Choices
    verdicts: Verdicts

    def ask(self, questions: Mapping[str, Ask], *, limit: float = 60.0) -> Facts:
        """Ask the host in one round trip. Raises ConnectionFailed; a fact it could not answer raises Unknown."""
        asked = tuple(questions.values())
        answers = parse(self.transport.run(script_for(asked), limit=limit).output, asked)
        return Facts({name: answers[question] for name, question in questions.items()})

    def call(self, *words: str, stdin: bytes | Iterable[bytes] = b"", limit: float) -> Reply:
        """Run a verb of the host program. Raises DeployerError where there is none, or one of another version."""
        return self.understood(self.transport.run(call(self.host, *words), stdin=stdin, limit=limit))

    def understood(self, reply: Reply) -> Reply:
        """The host program's reply. Raises DeployerError where it is missing, or of another version than this tool."""
        if reply.exit_code in MISSING:
            what = "The host program is missing on this host, or of another version."
            raise self.error(what, remedy=f"deployer provision --host {self.host.host_name}", reply=reply)
        return reply

    def error(self, what: str, *, remedy: str = "", reply: Reply | None = None, step: str = "") -> DeployerError:
        """A failure on this host, with what it replied: the exit code and the last lines it printed."""
        if reply is None:
            return DeployerError(what, remedy=remedy, context=Context(self.host.host_name, step))
        printed = (reply.error or reply.output).decode(errors="replace").strip()
        context = Context(self.host.host_name, step, exit_code=reply.exit_code, output=printed)
        return DeployerError(what, remedy=remedy, context=context)


def report_for(choices: Choices) -> Report:
    """Where this run prints: text, or JSON lines with --json."""
    if choices.flag("json"):
        return JsonLines(sys.stdout, sys.stderr)
    from deployer.output.console import Console, Detail  # imports rich: 50 ms that a run with --json does not pay

    return Console(Detail(choices.flag("diff"), choices.flag("verbose"), choices.flag("quiet")))


def on_hosts(choices: Choices, action: Callable[[HostRun], int], connecting: Connecting = connect) -> int:
    """Run `action` on each chosen host in turn; the first failure ends it, and its exit code is returned.

    Raises InventoryError where the hosts cannot be read: the front end reports it.
    """
    hosts, report = chosen_hosts(choices), report_for(choices)
    for host in hosts:
        code = _on_host(host, connecting(host, choices), choices, report, action)
        if code not in (0, 10):
            return code
    return code


def refuse(choices: Choices, error: DeployerError) -> int:
    """Report an error that came before any host's run; with --json a recap is the last line here too."""
    report = report_for(choices)
    report.error(error)
    if choices.flag("json"):
        report.recap(Recap(choices.text("host"), 0, 0, 0, 0, 0, 0, 0, 0.0, error.exit_code))
    return error.exit_code


def _on_host(
    host: Inventory, transport: Transport, choices: Choices, report: Report, action: Callable[[HostRun], int]
) -> int:
    began, verdicts = time.monotonic(), Verdicts()
    try:
        code = action(HostRun(host, transport, report, choices, verdicts))
    except DeployerError as error:
        report.error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        report.error(Interrupted("interrupted; nothing is running on the host", remedy="run this command again"))
        code = Interrupted.exit_code
    report.recap(_recap(host, transport, verdicts, time.monotonic() - began, code))
    transport.close()
    return code


def _recap(host: Inventory, transport: Transport, verdicts: Verdicts, seconds: float, code: int) -> Recap:
    traffic = transport.traffic()
    return Recap(
        host=host.host_name,
        ok=verdicts.count("unchanged"),
        changed=verdicts.count("changed", "would change"),
        failed=verdicts.count("failed"),
        unknown=verdicts.count("unknown"),
        round_trips=traffic.round_trips,
        bytes_sent=traffic.bytes_sent,
        bytes_received=traffic.bytes_received,
        seconds=seconds,
        exit_code=code,
    )
