"""Questions that several steps share, with real bash where the tools can be replaced by two lines of shell."""

import os
from pathlib import Path

import pytest

from deployer.engine.facts import Ask, Facts, Unknown
from deployer.resources.docker import ask_docker
from deployer.resources.packages import ask_packages, install
from deployer.resources.services import ask_active, ask_enabled
from tests.support.fakes import asked_here, inventory


def command(directory: Path, name: str, script: str) -> None:
    """Put a program in front of PATH."""
    (directory / name).write_text(f"#!/bin/bash\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def ask(question: Ask) -> Facts:
    return asked_here({"it": question})


class TestDocker:
    def test_answers(self, programs: Path) -> None:
        """Where Docker is, it is asked."""
        command(programs, "docker", 'echo "asked: $*"')
        assert ask(ask_docker("docker ps -q"))["it"] == "asked: ps -q"

    def test_silent(self, programs: Path) -> None:
        """A daemon that does not answer makes the fact unknown, not empty."""
        command(programs, "docker", "echo Cannot connect >&2; exit 1")
        with pytest.raises(Unknown, match="Cannot connect"):
            ask(ask_docker("docker ps -q"))["it"]

    def test_never_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the command and without its data there is certainly nothing; with its data, who knows."""
        for name in ("bash", "cat"):
            (tmp_path / name).symlink_to(f"/bin/{name}")
        monkeypatch.setenv("PATH", str(tmp_path))
        question = ask_docker("docker ps -q").script
        assert ask(Ask(question.replace("/var/lib/docker/network", "/nowhere")))["it"] == ""
        (tmp_path / "network").mkdir()
        with pytest.raises(Unknown, match="not found"):
            ask(Ask(question.replace("/var/lib/docker/network", f"{tmp_path}/network")))["it"]


class TestPackages:
    def test_installed(self, programs: Path) -> None:
        """Only those that are wholly there; a package that dpkg does not know is no error."""
        states = "ii git\\nhi curl\\nrc cron\\niU ufw\\nun certbot\\nii bash\\niF less\\n"
        command(programs, "dpkg-query", f"printf '{states}'; exit 1")
        command(programs, "find", "printf 'half    interrupted\\n'")
        facts = asked_here(ask_packages(("git", "curl", "cron", "ufw", "certbot", "openssl")))
        assert facts.lines("installed") == ("git", "curl")
        assert facts.lines("half") == ("iU ufw", "iF less", "   interrupted")

    def test_install_is_bounded(self) -> None:
        """Longer than it may wait for another apt, and not for ever."""
        assert 600 < install(("git",)).within <= 1800


class TestUnits:
    @pytest.mark.parametrize("state", ["enabled", "disabled", "masked", "not-found", ""])
    def test_state(self, programs: Path, state: str) -> None:
        """The answer is what systemctl shows of it."""
        command(programs, "systemctl", f"printf 'ActiveState=inactive\\nUnitFileState={state}\\n'")
        assert ask(ask_enabled("x.service"))["it"] == state
        assert ask(ask_active("x.service"))["it"] == "inactive"

    def test_together(self, programs: Path) -> None:
        """All units of a host are asked for by one command, and each question has its own answer."""
        shown = "ActiveState=active\\nUnitFileState=enabled\\n\\nActiveState=inactive\\nUnitFileState=\\n"
        command(programs, "systemctl", f"echo x >>{programs}/calls; printf '{shown}'")
        host = inventory()
        probes = {
            "docker": ask_active("docker.service", host),
            "cron": ask_active("cron.service", host),
            "ufw": ask_enabled("ufw.service", host),
        }
        facts = asked_here(probes)
        assert (facts["docker"], facts["cron"], facts["ufw"]) == ("active", "inactive", "")
        assert (programs / "calls").read_text() == "x\n"

    def test_without_systemd(self, programs: Path) -> None:
        """Nothing is known, as of a unit that does not exist; the prerequisites refuse such a host."""
        command(programs, "systemctl", "echo 'System has not been booted with systemd' >&2; exit 1")
        assert ask(ask_enabled("x.service"))["it"] == ""
