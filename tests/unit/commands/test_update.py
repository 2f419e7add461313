"""`update`: a ref that is none is refused before anything is asked; a dry run is one question."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from deployer.cli.click import Commands
from deployer.commands.update import _update
from deployer.engine.facts import Ask
from deployer.engine.plan import asked_of_host
from deployer.errors import DeployerError, UsageError
from deployer.inventory.model import Inventory
from deployer.releases.source import at_ref
from deployer.steps import UPDATE, latest_commit
from deployer.transport.protocol import Reply
from tests.unit.steps.hosts import Answers, behind, converged

from .fakes import FakeTransport, choices, inventory, reply_to, run_on

HOST = inventory()
NO_REFS = ["two words", "-x", "--upload-pack=x", "a..b", "/a", "a.lock", "$(id)", "a:b", "a^", "@{-1}", "x" * 300]


def survey(host: Inventory, answers: dict[object, Answers]) -> bytes:
    """A host's reply to the questions of an update."""
    told = {
        probe: answers[step][key]
        for step in UPDATE
        for key, probe in step.probes(host).items()
        if isinstance(probe, Ask)
    }
    asked = asked_of_host(host, UPDATE)
    return reply_to(asked, [told[ask] for ask in asked])


def in_sync(host: Inventory) -> bytes:
    return survey(host, {step: converged(step, host) for step in UPDATE})


def moved(host: Inventory) -> bytes:
    return survey(host, {step: behind(step, host) for step in UPDATE})


class TestRef:
    @pytest.mark.parametrize("ref", NO_REFS)
    def test_none(self, ref: str) -> None:
        """What cannot be a ref is named with the option; exit 2, and nothing was asked of the host."""
        transport = FakeTransport()
        run, _ = run_on(HOST, transport, choices(ref=ref))
        with pytest.raises(UsageError) as caught:
            _update(run)
        assert caught.value.exit_code == 2
        assert caught.value.what == f"--ref: got {ref!r}"
        assert transport.scripts == []

    @pytest.mark.parametrize("ref", ["v1.2.3", "feature/x-1", "0123456", "0" * 40])
    def test_takes_the_place_of_the_inventorys(self, ref: str) -> None:
        """Nothing else of the inventory changes."""
        host = at_ref(HOST, ref)
        assert host.source.ref == ref
        assert host.model_dump(exclude={"source": {"ref"}}) == HOST.model_dump(exclude={"source": {"ref"}})
        assert HOST.source.ref == "main"

    def test_is_what_is_asked_for(self) -> None:
        """The host looks for it, and not for the inventory's."""
        transport = FakeTransport([Reply(0, in_sync(at_ref(HOST, "v1.2")), b"")])
        run, _ = run_on(HOST, transport, choices(ref="v1.2", dry_run=True))
        assert _update(run) == 0
        assert "refs/tags/v1.2" in transport.scripts[0]
        assert "refs/heads/main" not in transport.scripts[0]

    def test_exit_code(self, tmp_path: Path) -> None:
        """As a person types it: 2, with the option and what would be right."""
        (tmp_path / "web.toml").write_text(
            '[ssh]\naddress = "192.0.2.1"\n[site]\ndomain = "example.com"\nemail = "a@example.com"\n'
        )
        words = ["update", "--inventory", str(tmp_path), "--host", "web", "--ref", "a..b"]
        ended = CliRunner().invoke(Commands(), words)
        assert ended.exit_code == 2
        assert "--ref: got 'a..b'" in ended.output
        assert "a branch, a tag or a commit" in ended.output


class TestDryRun:
    @pytest.mark.parametrize(("detailed", "code"), [(True, 10), (False, 0)])
    def test_new_commit(self, detailed: bool, code: int) -> None:
        """Fetch, build and roll-out are shown by one question; exit 10 where it was asked for."""
        transport = FakeTransport([Reply(0, moved(HOST), b"")])
        run, kept = run_on(HOST, transport, choices(dry_run=True, detailed_exitcode=detailed))
        assert _update(run) == code
        assert [(step.name, step.verdict) for step in kept.steps] == [
            ("host_program", "unchanged"),
            ("latest_commit", "would change"),
            ("images", "would change"),
            ("release", "would change"),
            ("backup", "unchanged"),
            ("proxy_container", "unchanged"),
        ]
        assert len(transport.scripts) == 1
        assert "flock" not in transport.scripts[0]

    def test_nothing_new(self) -> None:
        """Exit 0, also with the detailed exit code."""
        transport = FakeTransport([Reply(0, in_sync(HOST), b"")])
        run, kept = run_on(HOST, transport, choices(dry_run=True, detailed_exitcode=True))
        assert _update(run) == 0
        assert {step.verdict for step in kept.steps} == {"unchanged"}

    def test_no_release_yet(self) -> None:
        """Who makes the first one is named; exit 1."""
        answers = {step: converged(step, HOST) for step in UPDATE}
        answers[latest_commit] = {"serving": "", "containers": "", "latest": "", "local changes": ""}
        told = [{**answers[step], "commit": ""} if "commit" in answers[step] else answers[step] for step in UPDATE]
        transport = FakeTransport([Reply(0, survey(HOST, dict(zip(UPDATE, told, strict=True))), b"")])
        run, kept = run_on(HOST, transport, choices(dry_run=True))
        with pytest.raises(DeployerError) as caught:
            _update(run)
        assert (caught.value.exit_code, caught.value.what) == (1, "no release runs on this host yet")
        assert caught.value.remedy == "run `deployer provision --host web`"
        assert [step.verdict for step in kept.steps[:2]] == ["unchanged", "failed"]
