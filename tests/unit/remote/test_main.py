"""The host program from its command line: as one file, made the same each time, with one error mode."""

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import pytest

from deployer.engine import host_program
from deployer.remote import failure
from deployer.remote.__main__ import INTERNAL_ERROR, main
from deployer.remote.config import FILE, Config
from deployer.remote.host import Host
from tests.unit.remote.conftest import config

REMOTE = Path(__file__).parents[3] / "deployer" / "remote"


def installed(directory: Path, **changed: object) -> Path:
    """The program and its settings in a directory."""
    program = directory / "remote.pyz"
    program.write_bytes(host_program.archive())
    (directory / FILE).write_text(json.dumps({**asdict(config(directory)), **changed}))
    return program


def call(program: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *host_program.PYTHON[1:], str(program), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_one_file(tmp_path: Path) -> None:
    """It runs by itself, from anywhere, without the tool."""
    assert "renew" in call(installed(tmp_path), "help").stdout
    assert call(installed(tmp_path)).returncode == 0


def test_the_same_bytes() -> None:
    """It is not compressed, is dated alike, and has its files in one order: every machine makes the same."""
    members = zipfile.ZipFile(BytesIO(host_program.archive())).infolist()
    assert {(member.compress_type, member.date_time) for member in members} == {(0, (1980, 1, 1, 0, 0, 0))}
    names = [member.filename for member in members]
    assert names[2:] == sorted(names[2:])
    assert f"{host_program.PACKAGE}/verbs.py" in names


@pytest.mark.parametrize("path", sorted(REMOTE.rglob("*.py")), ids=lambda path: str(path.relative_to(REMOTE)))
def test_python_3_10_and_nothing_but_itself(path: Path) -> None:
    """Its syntax is that of Python 3.10, and it imports the standard library and its own files."""
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} <= {
        name for name in imported if name.startswith("deployer.remote")
    }


def test_types_of_python_3_10() -> None:
    """mypy finds in its standard library what newer ones have besides."""
    command = [sys.executable, "-m", "mypy", "--python-version", "3.10", "--config-file=", "--strict", str(REMOTE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REMOTE.parents[1])
    assert checked.returncode == 0, checked.stdout


def test_a_verb_that_is_not_there(tmp_path: Path) -> None:
    """Exit code 2, and the verbs that there are."""
    ran = call(installed(tmp_path), "nothing")
    assert (ran.returncode, "no verb nothing" in ran.stdout, "renew" in ran.stdout) == (2, True, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"name": 7}, "remote.json: name is of another type"), ({"more": 1}, "remote.json has other keys")],
)
def test_settings_of_another_version(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    """They are refused with what to do, and nothing is done."""
    ran = call(installed(tmp_path, **changed), "renew")
    assert (ran.returncode, said in ran.stdout, "run `deployer provision`" in ran.stdout) == (
        failure.NOT_UNDERSTOOD,
        True,
        True,
    )
    assert "Traceback" not in ran.stderr


def test_settings_that_are_cut_off(tmp_path: Path) -> None:
    """A file that does not parse counts as absent: it is named."""
    program = installed(tmp_path)
    (tmp_path / FILE).write_text('{"name": ')
    assert "remote.json cannot be read" in call(program, "renew").stdout


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    """What the tool writes is what the program has."""
    assert Config.beside(installed(tmp_path)) == config(tmp_path)


def test_a_fault_of_the_program_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with its kind and place, no traceback, and an exit code of its own."""
    program = installed(tmp_path)
    monkeypatch.setattr("deployer.remote.certificate.verbs.renew", lambda host, words: words[7])
    assert main(["renew"], program) == INTERNAL_ERROR


@pytest.mark.parametrize("number", failure.OF_THE_DISK)
def test_an_error_of_the_disk(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no fault of the program: the message names the file, and what to do."""

    def writes(host: Host, words: Sequence[str]) -> None:
        raise OSError(number, "said by the system", "/opt/x/y")

    monkeypatch.setattr("deployer.remote.certificate.verbs.renew", writes)
    assert main(["renew"], installed(tmp_path)) == failure.FAILED
    assert capsys.readouterr().out.startswith(f"/opt/x/y could not be written: {failure.OF_THE_DISK[number][:20]}")
