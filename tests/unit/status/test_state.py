"""`status`: answers in, one screen out; what is down is named with the command that looks into it."""

import json
from dataclasses import asdict

import pytest

from deployer.commands.status import _status
from deployer.errors import DeployerError
from deployer.inventory.model import Inventory
from deployer.status.decode import state as decode
from deployer.status.questions import questions as asked
from deployer.status.screen import duration, size, text
from deployer.status.state import State
from deployer.transport.protocol import Reply
from tests.unit.commands.fakes import FakeTransport, choices, inventory, reply_to, run_on

HOST = inventory()
BACKEND = "backend-api|/web-backend-api-1|running|healthy|web-backend:current|1700000000||0"
WALLET = "demo-wallet|/web-demo-wallet-1|running|healthy|web-wallet:current|1700000000||2"
PROXY = "nginx|/web-nginx-1|running||nginx:alpine|1700000000|0.0.0.0:80->80/tcp 0.0.0.0:443->443/tcp |0"
HOLDER = '{"who": "a@b", "command": "provision", "since": "2025-01-01T00:00:00Z"}'

BACKUP = json.dumps(
    {
        "id": "web_20231114_221320",
        "problem": "",
        "manifest": {"time": "2023-11-14T22:13:20Z", "bytes": 5_000_000},
        "verified": "",
    }
)
INCOMPLETE = json.dumps({"id": "web_20231115_000000", "problem": "SHA256SUMS is missing", "manifest": {}})

GOOD: dict[str, str | int] = {
    "now": "1700007200",
    "containers": "\n".join((BACKEND, WALLET, PROXY)),
    "certificate": "issuer=\n    O=Let's Encrypt\n    CN=R11\nDNS:wallet.example.com,DNS:api.example.com\n1705191200",
    "releases": 'backend-api ["web-backend:current","web-backend:abc-1"]\ndemo-wallet ["web-wallet:current"]',
    "disk": "Filesystem 1-blocks Used Available Capacity Mounted on\n/dev/sda 1000 300 700 30% /",
    "memory": "MemTotal=4000000\nMemAvailable=1000000\nSwapTotal=0\nSwapFree=0",
    "load": "0.10 on 2 CPUs",
    "firewall": "5",
    "last run": json.dumps({"run": {"who": "a@b", "command": "provision", "since": "t", "result": "done"}}),
    "last backup": BACKUP,
    "last drill": json.dumps({"time": "2023-11-01T04:00:00Z", "backup": "web_1", "result": "passed", "files": 23}),
    "lock": "",
    "maintenance": "",
}


def survey(**changed: str | int) -> bytes:
    answers = {**GOOD, **{name.replace("_", " "): answer for name, answer in changed.items()}}
    questions = asked(HOST)
    return reply_to(tuple(questions.values()), [answers[name] for name in questions])


def state(host: Inventory, reply: bytes) -> State:
    """The state that a host's reply tells of."""
    return decode(host, run_on(host, FakeTransport([Reply(0, reply, b"")]), choices())[0].ask(asked(host)))


def found(**changed: str | int) -> State:
    return state(HOST, survey(**changed))


def test_all_is_up() -> None:
    """Nothing is down, and one round trip told everything."""
    transport = FakeTransport([Reply(0, survey(), b"")])
    run, kept = run_on(HOST, transport, choices())
    assert _status(run) == 0
    assert len(transport.scripts) == 1
    event, fields, _ = kept.told[0]
    assert event == "status"
    assert json.loads(json.dumps(fields))["containers"][0]["seconds"] == 7200


def test_the_screen() -> None:
    """Everything that was asked is there to be read."""
    shown = text(HOST, found(lock=HOLDER))
    for expected in (
        "web-demo-wallet-1",
        "up 2 h",
        "2 restarts",
        "0.0.0.0:443->443/tcp",
        "60 days left",
        "Let's Encrypt, R11",
        "abc-1",
        "30 % used",
        "no swap",
        "firewall    on",
        "provision by a@b: done",
        "last backup web_20231114_221320  2 h old, 5 MiB, verified when it was made",
        "last drill  2023-11-01T04:00:00Z  passed: web_1, 23 files",
        "held by a@b, running 'provision'",
    ):
        assert expected in shown


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('on\n{"who": "a@b", "since": "t"}', "on since t by a@b"),
        ("on", "on"),
        ("on\nnot json", "on"),
        ('on\n{"who": "\\u001b[2J", "since": "t"}', "on since t by \N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_maintenance(answer: str, said: str) -> None:
    """Said, with what ends it; who and when where the tool switched it on; nothing is down because of it."""
    state_of_it = found(maintenance=answer)
    assert (state_of_it.maintenance, state_of_it.down) == (said, ())
    assert f"maintenance {said}; to end it: deployer maintenance off --host web" in text(HOST, state_of_it)
    assert "maintenance" not in text(HOST, found())


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"containers": f"{BACKEND}\n{PROXY}"}, "demo-wallet is not running"),
        ({"containers": f"{BACKEND}\n{WALLET.replace('running', 'exited')}\n{PROXY}"}, "web-demo-wallet-1 is exited"),
        ({"containers": f"{BACKEND}\n{WALLET.replace('|healthy', '|unhealthy')}\n{PROXY}"}, "is unhealthy"),
        ({"containers": ""}, "nothing is deployed"),
        ({"containers": 1}, "Docker does not answer"),
        ({"certificate": ""}, "no certificate is installed"),
        ({"now": "1800000000"}, "expired"),
    ],
)
def test_what_is_down_is_said(changed: dict[str, str | int], what: str) -> None:
    """Exit 1, with what and a remedy."""
    run, _ = run_on(HOST, FakeTransport([Reply(0, survey(**changed), b"")]), choices())
    with pytest.raises(DeployerError, match=what) as raised:
        _status(run)
    assert raised.value.exit_code == 1
    assert "deployer " in raised.value.remedy


@pytest.mark.parametrize(
    ("drill", "warned"),
    [
        ('{"time": "2023-11-01T04:00:00Z", "backup": "web_1", "result": "failed", "why": "torn"}', "torn"),
        ('{"time": "2023-07-01T04:00:00Z", "backup": "web_1", "result": "passed"}', "136 days ago"),
    ],
    ids=["failed", "overdue"],
)
def test_drill_warns(drill: str, warned: str) -> None:
    """A warning with the command that proves one; nothing is down because of it."""
    host = found(last_drill=drill)
    (warning,) = host.warnings
    assert warned in warning.what
    assert host.down == ()
    assert f"WARNING     {warning.what}: deployer drill --host web" in text(HOST, host)
    assert "WARNING" not in text(HOST, found())


def test_no_drill_yet() -> None:
    """A host that is new is not warned of."""
    host = found(last_drill="")
    assert (host.last_drill, host.warnings) == (None, ())
    assert "last drill  none" in text(HOST, host)


def test_database() -> None:
    """It has to be there where it is enabled, and nobody misses it where it is not."""
    stored = inventory(postgres={"enabled": True})
    (down,) = state(stored, survey()).down
    assert down.what == "postgres is not running"
    told = WALLET.replace("demo-wallet", "postgres")
    assert state(stored, survey(containers="\n".join((BACKEND, WALLET, PROXY, told)))).down == ()
    (down,) = state(
        stored, survey(containers="\n".join((BACKEND, WALLET, PROXY, told.replace("running", "exited"))))
    ).down
    assert (down.what, down.remedy) == ("web-postgres-1 is exited", "deployer logs postgres --host web")
    assert found().down == ()


def test_what_cannot_be_told_is_no_answer() -> None:
    """It is named as unknown, never shown as absent without a word."""
    host = found(last_backup=1)
    assert "last backup" in host.unknown
    assert "unknown     last backup" in text(HOST, host)
    assert asdict(host)["last_backup"] is None


@pytest.mark.parametrize(("seconds", "said"), [(59, "59 s"), (720, "12 min"), (7200, "2 h"), (300000, "3 days")])
def test_durations(seconds: int, said: str) -> None:
    """As short as can be read."""
    assert duration(seconds) == said


def test_sizes() -> None:
    """Binary units."""
    assert [size(number) for number in (10, 2048, 5 * 2**20, 3 * 2**30)] == ["10 B", "2 KiB", "5 MiB", "3.0 GiB"]


def test_the_last_backup() -> None:
    """Age and size for programs; a later one that is incomplete does not count, and is named; so is having none."""
    last = asdict(found())["last_backup"]
    assert last == {"id": "web_20231114_221320", "age": 7200, "size": 5_000_000, "verified": "", "incomplete": ()}
    shown = text(HOST, found(last_backup=f"{BACKUP}\n{INCOMPLETE}"))
    assert "web_20231114_221320  2 h old" in shown
    assert "web_20231115_000000 is incomplete" in shown
    assert "last backup none\n" in text(HOST, found(last_backup=""))
    assert "last backup none\n            web_20231115_000000 is incomplete" in text(
        HOST, found(last_backup=INCOMPLETE)
    )
