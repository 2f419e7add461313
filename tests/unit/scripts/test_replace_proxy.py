"""replace_proxy.sh with real bash: it ends, whatever happens, and no process that watches the answers is left."""

import os
import re
import time
from pathlib import Path

import pytest

from deployer.engine.program import script
from deployer.text.shell import lines
from tests.support.fakes import run_here

DOCKER = """#!/bin/bash
echo "$*" >>"${0%/*}/asked"
case "$*" in
  "$FAILS"*) echo "docker failed" >&2; exit 1 ;;
  ps*created*) echo new ;;
  ps*) echo old ;;
esac
"""
CURL = """#!/bin/bash
echo "$PPID" >>"${0%/*}/visitors"
sleep 0.1
[ -z "$SILENT" ] || ! grep -q "start new" "${0%/*}/asked" || grep -q "start old" "${0%/*}/asked"
"""


def replace(directory: Path, fails: str = "nothing", silent: str = "") -> "tuple[int, str, list[str]]":
    """The exit code, what was said, and what docker was asked."""
    for name, text in (("docker", DOCKER), ("curl", CURL)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    parameters = {"ROOT": "/nowhere", "DOMAIN": "example.com", "IMAGE": "nginx:other"}
    proxy = script("site/scripts/proxy.sh", NAME="x", NGINX=str(directory))
    text = lines(proxy, script("site/scripts/replace_proxy.sh", **parameters), "replace_proxy")
    path = f"{directory}:{os.environ['PATH']}"
    ran = run_here(text, PATH=path, TMPDIR=str(directory), FAILS=fails, SILENT=silent)
    return ran.returncode, ran.stdout, (directory / "asked").read_text().splitlines()


def visitors(directory: Path) -> list[str]:
    """Those who still ask for answers."""
    before = (directory / "visitors").read_text()
    time.sleep(0.5)
    return (directory / "visitors").read_text()[len(before) :].split()


@pytest.mark.parametrize("again", range(3))
def test_ends(tmp_path: Path, again: int) -> None:
    """The new one is started when the old one has stopped, and the gap is told; whoever measured it is gone."""
    code, said, asked = replace(tmp_path)
    assert code == 0
    assert [words for words in asked if words.split(" ")[0] in ("stop", "start", "rm")] == [
        "stop --time 3 old",
        "start new",
        "rm old",
    ]
    assert re.fullmatch(r"\x1epart gap \d\.\d\d\n", said)
    assert visitors(tmp_path) == []
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.parametrize("how", [{"fails": "start new"}, {"silent": "yes"}], ids=["does not start", "does not answer"])
def test_new_one_is_no_good(tmp_path: Path, how: dict[str, str]) -> None:
    """The old one is started again: exit code 4."""
    code, said, asked = replace(tmp_path, **how)
    assert code == 4
    assert asked[-2:] == ["rm -f new", "start old"]
    assert "the new proxy does not answer; starting the old one again" in said


@pytest.mark.parametrize("fails", ["stop", "rm", "image prune"])
def test_docker_fails_in_the_middle(tmp_path: Path, fails: str) -> None:
    """The job ends with it, and so does whoever asks for answers: nobody waits for him."""
    code, _, _ = replace(tmp_path, fails=fails)
    assert code == (0 if fails == "image prune" else 1)
    assert visitors(tmp_path) == []
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.parametrize("fails", ["logs", "rm"])
def test_old_one_comes_back_first_of_all(tmp_path: Path, fails: str) -> None:
    """What fails on the way does not keep it away."""
    code, _, asked = replace(tmp_path, fails=fails, silent="yes")
    assert (code, asked[-1]) == (4, "start old")


def test_old_one_does_not_come_back(tmp_path: Path) -> None:
    """Manual intervention is required: exit code 5."""
    code, _, _ = replace(tmp_path, fails="start")
    assert code == 5
