"""The host program below a directory, for the tests that reach it by the tool's own scripts."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from deployer.engine.facts import Answer, Facts
from deployer.engine.host_program import archive, settings_of
from deployer.inventory.model import Inventory
from deployer.steps import environment
from tests.support.fakes import asked_here


def install(host: Inventory, program: bytes | None = None) -> None:
    """Where the host's paths have it."""
    state = Path(host.paths.state)
    state.mkdir(parents=True, exist_ok=True)
    (state / "remote.pyz").write_bytes(archive() if program is None else program)
    (state / "remote.json").write_text(json.dumps(asdict(settings_of(host))))


def env_facts(host: Inventory, **answers: str) -> Facts:
    """What this machine answers to section 6, by the program; no container runs, unless that is given."""
    install(host)
    given: Mapping[str, Answer] = {name: Answer(answer) for name, answer in {"containers": "", **answers}.items()}
    questions = {name: question for name, question in environment.probes(host).items() if name not in given}
    return Facts({**asked_here(questions).answers, **given})
