"""`logs [SERVICE]`: the logs of the containers and the log files, with every secret masked on the host."""

import re

from deployer.engine.host_program import call
from deployer.errors import UsageError
from deployer.inventory.model import Inventory
from deployer.remote.logs import FILES, HEARTBEAT
from deployer.run.command import COMMON, Choices, Command, Option
from deployer.run.host_run import HostRun, on_hosts
from deployer.site.compose import BACKEND, DATABASE, PROXY, WALLET
from deployer.text.printable import printable
from deployer.transport.protocol import Conversation, Reply

SERVICES = (BACKEND, WALLET, PROXY, DATABASE)
LIMIT = 120


def logs(choices: Choices) -> int:
    return on_hosts(choices, _logs)


def _logs(run: HostRun) -> int:
    text = text_for(run.host, run.choices)
    if run.choices.flag("follow"):
        return _follow(run, text)
    lines = Lines(run)
    reply = run.transport.run(text, limit=LIMIT, on_output=lines)
    lines.end()
    return _ended(run, reply)


def _follow(run: HostRun, text: str) -> int:
    """Until Ctrl-C, which is its normal end, or until there is nothing to follow."""
    conversation = run.transport.open(text)
    try:
        _print_lines(run, conversation)
    except KeyboardInterrupt:
        conversation.close()
        run.verdicts.add("unchanged")
        return 0
    return _ended(run, conversation.close())


def _ended(run: HostRun, reply: Reply) -> int:
    """Raises DeployerError where the host could not show the log; what it printed is printed already."""
    if run.understood(reply).exit_code != 0:
        remedy = f"deployer status --host {run.host.host_name}"
        raise run.error("the logs could not be read", remedy=remedy, reply=Reply(reply.exit_code, b"", reply.error))
    run.verdicts.add("unchanged")
    return 0


def _print_lines(run: HostRun, conversation: Conversation) -> None:
    while line := conversation.read_line():
        if not line.startswith(HEARTBEAT.rstrip()):
            _print(run, line)


def text_for(host: Inventory, choices: Choices) -> str:
    """The command that prints the chosen log. Raises UsageError."""
    service = choices.text("service")
    if service and service not in (*SERVICES, *FILES):
        raise UsageError(f"unknown log {service!r}", remedy=f"choose one of: {', '.join((*SERVICES, *FILES))}")
    options = {
        "lines": _lines(choices),
        "since": _since(choices, of_file=service in FILES),
        "grep": choices.text("grep"),
    }
    words = (f"--{name}={value}" for name, value in options.items() if value)
    return call(host, "logs", service, *words, *(("--follow",) if choices.flag("follow") else ()))


def _since(choices: Choices, *, of_file: bool) -> str:
    since = choices.text("since")
    if since and of_file:
        raise UsageError(
            "--since works for containers only: log files have no common time format", remedy="use --lines"
        )
    if since and not re.fullmatch(r"(\d+[smhd])+|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z?)?", since):
        raise UsageError(f"--since {since}: not a time", remedy="use 10m, 2h, or a time such as 2025-10-12T08:00:00")
    days = re.fullmatch(r"(\d+)d", since)
    return f"{int(days[1]) * 24}h" if days else since


def _lines(choices: Choices) -> int:
    number = choices.number("lines")
    if not 1 <= number <= 1_000_000:
        raise UsageError(f"--lines {number}: must be from 1 to 1000000")
    return number


class Lines:
    """Prints output line by line; what has no newline at the end is printed by `end`."""

    def __init__(self, run: HostRun) -> None:
        self._run, self._rest = run, b""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            _print(self._run, line)

    def end(self) -> None:
        if self._rest:
            _print(self._run, self._rest)


def _print(run: HostRun, line: bytes) -> None:
    """Visitors can write into a log: characters that would control the operator's terminal are made visible."""
    text = printable(line.rstrip(b"\r\n").decode(errors="replace"))
    run.report.data("log", {"host": run.host.host_name, "line": text}, text)


COMMAND = Command(
    logs,
    (
        *COMMON,
        Option("follow", "keep printing new lines until Ctrl-C", bool, short="f"),
        Option("since", "only newer lines, of containers: 10m, 2h, 2025-10-12T08:00:00"),
        Option("grep", "only lines that contain this text"),
        Option("lines", "at most this many of each log, the latest", int, short="n", default=200),
    ),
    Option(
        "service",
        "one log: a container (backend-api, demo-wallet, nginx, postgres) or a file (access, error, audit, renew)",
        values=(*SERVICES, *FILES),
    ),
    examples=("--host prod --follow", "--host prod --since 10m --grep error"),
)
