"""Every command of the README runs, in the README's order, against a throwaway host in place of the reader's server."""

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.origin import publish
from tests.host.conftest import APPLICATION, Boot
from tests.support.tool import deployment

pytestmark = pytest.mark.in_turn

CHECKOUT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "script/demo": "run from a bare root file system by tests/host/test_bare_machine.py",
    "script/setup": "has run: it made the environment of this test",
    ". .venv/bin/activate": "the same",
}
"""Commands that this test does not run, each with the reason."""


def commands() -> list[str]:
    blocks = BLOCK.findall((CHECKOUT / "README.md").read_text())
    return [line for block in blocks for line in block.splitlines() if line]


def test_every_command_of_the_readme_runs(boot: Boot, bed: Bed, tmp_path: Path) -> None:
    """From `init` to a second `provision`; the reader's address, key and repository are the throwaway host's."""
    host, repository = boot("reader"), publish(f"reader-{os.getpid()}", APPLICATION)
    ours = deployment(tmp_path / "beside", host, bed, repository)
    ran: list[str] = []
    for command in commands():
        if command in ELSEWHERE:
            continue
        if command.startswith("deployer update") and "update" not in str(ran):
            repository.commit({"release.json": json.dumps({"version": "2", "break": ""})}, "Something new to deploy")
        ended = _run(_adapted(command, host.address, str(host.identity_file), repository.url), tmp_path)
        assert ended.returncode == 0, f"{command}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        ran.append(command)
        if command.startswith("deployer init"):
            written = (tmp_path / "inventory" / "prod.toml").read_text()
            _use_the_beds_services(
                tmp_path / "inventory" / "prod.toml", written, (ours.inventory / "web.toml").read_text()
            )
    assert sum(command.startswith("deployer ") for command in ran) >= 10


def _run(command: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        shell=True,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _adapted(command: str, address: str, identity: str, repository: str) -> str:
    """What differs here from the reader's place: the address, the key, no terminal to say yes at, no CA, the day."""
    if command.startswith("deployer init"):
        here = command.replace("203.0.113.10", address).replace("--email you@example.com", "--tls self-signed")
        return f"{here} --identity-file {identity} --repository {repository}"
    command = command.replace("20251012", datetime.now(UTC).strftime("%Y%m"))
    return f"{command} --yes" if command.startswith(("deployer trust", "deployer restore")) else command


def _use_the_beds_services(file: Path, written: str, beside: str) -> None:
    """The fixture application and the bed's registry, as tables that `init` did not write."""
    tables = re.split(r"^(?=\[)", beside, flags=re.MULTILINE)
    known = set(re.findall(r"^\[(\w+)\]", written, re.MULTILINE))
    further = [table for table in tables if (name := re.match(r"\[(\w+)\]", table)) and name[1] not in known]
    file.write_text(written + "\n" + "".join(further))
