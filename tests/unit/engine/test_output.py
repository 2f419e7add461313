"""What a run shows and hides: reasons, notes, timings, masked secrets, payloads."""

import json
from collections.abc import Iterator
from pathlib import Path

from deployer.engine.changes import Change, Note, Script
from deployer.engine.facts import Facts
from deployer.errors import DeployerError
from deployer.output.report import ShownNote
from deployer.secret import Secret
from tests.support.fakes import Bed, Scripted

from .play import Play, always, needs_root, wants

pytestmark = needs_root


class TestOutput:
    def test_each_change_as_it_begins(self, here: Bed) -> None:
        """The reason of each change is reported when it begins, and its output."""
        play = Play(here, wants(here.root / "one", "yes"), wants(here.root / "two", "no"))
        play.apply()
        assert play.report.begun == ["write yes", "write no"]
        assert play.report.lines == ["wrote yes", "wrote no"]

    def test_payload(self, here: Bed) -> None:
        """A secret reaches the script as a file, never as text of it, and nothing of it stays behind."""
        kept_at = here.root / "kept"

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            if not facts["there"]:
                yield Script(
                    "keep it", f'stat -c %a "$PAYLOAD"; cp "$PAYLOAD" {kept_at}', payload=Secret("hunter2-hunter2")
                )

        play = Play(here, Scripted("secret", {"there": f"cat {kept_at} 2>/dev/null || true"}, wanted))
        play.apply()
        assert kept_at.read_text() == "hunter2-hunter2"
        assert play.report.lines == ["600"]
        assert not any("hunter2" in script for script in play.transport.scripts)
        assert not any(
            b"hunter2" in file.read_bytes()
            for file in Path(f"/run/deployer/{here.host.name}").rglob("*")
            if file.is_file()
        )

    def test_output_is_masked(self, here: Bed) -> None:
        """A secret of .env that a container or command prints does not leave the host."""
        (here.root / ".env").write_text("API_SECRET_KEY='it\\'s-a-$ecret/with&all'\nDOMAIN=example.com\n")
        step = always(Script("talk", """printf '%s\\n' "key: it's-a-\\$ecret/with&all." example.com; exit 1"""))
        play = Play(here, step)
        error = play.fails_with(DeployerError)
        assert play.report.lines == ["key: [secret].", "example.com"]
        assert "ecret/with" not in error.context.output

    def test_notes_are_those_of_the_new_plan(self, here: Bed) -> None:
        """A note of the plan may be settled by the step itself: the notes of the new plan are reported."""
        file = here.root / "file"

        def wanted(facts: Facts) -> Iterator[Change | Note]:
            yield Note(f"the file has {facts['word'] or 'nothing'}")
            if facts["word"] != "yes":
                yield Script("write yes", f"echo yes >{file}")

        play = Play(here, Scripted("noting", {"word": f"cat {file} 2>/dev/null || true"}, wanted))
        play.apply()
        assert play.report.steps[0].notes == (ShownNote("the file has yes"),)
        assert [change.why for change in play.report.steps[0].changes] == ["write yes"]

    def test_parts(self, here: Bed) -> None:
        """The seconds of a script's parts: for people as one line, for programs by name."""
        marks = r"printf '\036part start 1.50\n\036part health 0.26\n'"
        play = Play(here, always(Script("roll", f"{marks}; exit 1")))
        play.fails_with(DeployerError)
        (reported,) = play.report.told
        fields: dict[str, object] = {"step": "Scripted", "parts": {"start": 1.5, "health": 0.26}}
        assert reported == ("parts", fields, "              start 1.5 s · health 0.3 s")

    def test_scripts_know_who_runs_them(self, here: Bed) -> None:
        """The lock's owner is in a file, for the logs of scripts."""
        play = Play(here, always(Script("ask", f"cat /run/deployer/{here.host.name}/holder; exit 1")))
        play.fails_with(DeployerError)
        assert json.loads(play.report.lines[0]) == {
            "who": "ada@laptop",
            "command": "provision",
            "since": "2026-01-01T00:00:00Z",
        }
