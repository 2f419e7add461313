"""`rollback` and `releases`: which release is meant, and what is told of all."""

import pytest

from deployer.commands.releases import _releases
from deployer.commands.rollback import _rollback, choose
from deployer.errors import UsageError
from deployer.releases.log import parse
from deployer.releases.rollback import Rollback, ask_kept, ask_log
from deployer.steps import host_program
from deployer.transport.protocol import Reply
from tests.unit.steps.hosts import converged, recorded
from tests.unit.steps.hosts import kept as kept_lines

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

HOST = inventory()
FIRST, SECOND, THIRD = "20260101_000000-aaaaaaa", "20260102_000000-bbbbbbb", "20260103_000000-ccccccc"
COMMITS = {FIRST: "a" * 40, SECOND: "b" * 40, THIRD: "c" * 40}


def log(*told: tuple[str, str]) -> str:
    return "".join(recorded(HOST, result, id=name, commit=COMMITS[name]) for name, result in told)


ALL = log((FIRST, "deployed"), (SECOND, "failed"), (THIRD, "deployed"))


def chosen(wanted: str, told: str = ALL, there: tuple[str, ...] = (FIRST, THIRD)) -> str:
    return choose(HOST, wanted, parse(told), frozenset(there)).id


class TestChoice:
    def test_previous(self) -> None:
        """By itself the one that served before; a failed one between them is no place to go."""
        assert chosen("") == FIRST

    @pytest.mark.parametrize("wanted", [FIRST, "20260101", "aaaa", "a" * 40])
    def test_named(self, wanted: str) -> None:
        """By its id or its commit, or by how one of them begins."""
        assert chosen(wanted) == FIRST

    @pytest.mark.parametrize(
        ("wanted", "what"),
        [
            ("2026", "--to: 2 kept releases match '2026'"),
            (SECOND, f"--to: no kept release matches {SECOND!r}"),
            ("nothing", "--to: no kept release matches 'nothing'"),
        ],
    )
    def test_none_or_several(self, wanted: str, what: str) -> None:
        """Exit 2, and those that there are are named."""
        with pytest.raises(UsageError) as caught:
            chosen(wanted)
        assert caught.value.what == what
        assert f"kept: {FIRST}, {THIRD};" in caught.value.remedy

    @pytest.mark.parametrize("told", [log((FIRST, "deployed")), ""])
    def test_no_previous(self, told: str) -> None:
        """The first release, or none: there is nothing to go back to."""
        with pytest.raises(UsageError, match="there is no previous release"):
            chosen("", told, (FIRST,))

    def test_previous_is_not_kept(self) -> None:
        """Nothing else is taken for it."""
        with pytest.raises(UsageError):
            chosen("", ALL, (THIRD,))


def answers(told: str = ALL) -> Reply:
    asked = (ask_log(HOST), ask_kept(HOST))
    return Reply(0, reply_to(asked, [told, kept_lines(HOST, FIRST, THIRD)]), b"")


def test_dry_run() -> None:
    """The choice, then the plan: two questions, nothing locked, exit 10 where it was asked for."""
    probes = {**host_program.probes(HOST), **Rollback(FIRST).probes(HOST)}
    program = converged(host_program, HOST)
    told = [*(program[name] for name in host_program.probes(HOST)), ALL, kept_lines(HOST, FIRST, THIRD), ""]
    survey = reply_to(tuple(probes.values()), told)  # type: ignore[arg-type]
    transport = FakeTransport([answers(), Reply(0, survey, b"")])
    run, kept = run_on(HOST, transport, choices(dry_run=True, detailed_exitcode=True))
    assert _rollback(run) == 10
    there, step = kept.steps
    assert (there.section, there.verdict) == ("3.1 Host program", "unchanged")
    assert (step.section, step.verdict) == ("10.1 Rollback", "would change")
    assert not any("flock" in script for script in transport.scripts)


def test_releases() -> None:
    """Each once, oldest first: the failed with its reason, the one that serves, and whether the others are kept."""
    told = ALL.replace('"why": ""', '"why": "the health gate failed"', 2).replace(
        '"why": "the health gate failed"', '"why": ""', 1
    )
    run, kept = run_on(HOST, FakeTransport([answers(told)]), choices())
    assert _releases(run) == 0
    seen = [(fields["id"], fields["state"], fields["why"]) for event, fields, _ in kept.told if event == "release"]
    assert seen == [(FIRST, "kept", ""), (SECOND, "failed", "the health gate failed"), (THIRD, "serves", "")]
    assert [text.splitlines()[-1].split()[0] for _, _, text in kept.told] == ["kept", "failed", "serves"]


def test_restored_serves() -> None:
    """After a rollback that one serves, and it is listed once."""
    told = log((FIRST, "deployed"), (THIRD, "deployed"), (FIRST, "restored"))
    run, kept = run_on(HOST, FakeTransport([answers(told)]), choices())
    _releases(run)
    assert [(fields["id"], fields["state"]) for _, fields, _ in kept.told] == [(FIRST, "serves"), (THIRD, "kept")]


def test_release_without_a_line() -> None:
    """One that is kept and that the log has lost is named, with the command that repairs the log."""
    run, kept = run_on(HOST, FakeTransport([answers(log((THIRD, "deployed")) + "garbage\n")]), choices())
    _releases(run)
    (note,) = [text for event, _, text in kept.told if event == "note"]
    assert note.startswith(f"note: the log has no line for {FIRST} → run `deployer provision --host web`")


def test_no_release() -> None:
    """Who makes the first one is told."""
    run, kept = run_on(HOST, FakeTransport([answers("")]), choices())
    assert _releases(run) == 0
    assert "deployer provision --host web" in kept.told[0][2]
