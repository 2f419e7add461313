"""A host for the verbs: real files below a directory, and a Docker that answers what a test says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

import pytest

from deployer.engine.host_program import settings_of
from deployer.remote.config import Config
from deployer.remote.docker_api import DockerApi
from deployer.remote.host import Host
from deployer.remote.process import OnOutput, Result
from deployer.remote.survey.surveyed import Surveyed
from tests.support.fakes import IS_ROOT, inventory
from tests.unit.remote.daemon import Daemon, serving

Answer = Callable[[tuple[str, ...]], Result | None]


@dataclass
class FakeDocker:
    """Answers by the first word, or as `answer` does; it remembers what it was asked."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    answer: Answer = lambda words: None
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(
        self,
        *words: str,
        limit: float = 0,
        stdin: bytes | IO[bytes] = b"",
        into: IO[bytes] | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        self.calls.append(words)
        result = self.answer(words) or Result(0, self.outputs.get(words[0], "").encode())
        if on_output:
            on_output(result.output)
        return result


def config(root: Path, mode: str = "self-signed") -> Config:
    """The settings of an ordinary host, with its root directory here."""
    made = inventory(tls={"mode": "self-signed"}).model_copy(update={"root": PurePosixPath(root)})
    settings = settings_of(made)
    return replace(
        settings,
        certificate=replace(settings.certificate, mode=mode),
        backup=replace(settings.backup, directory=str(root / "backups")),
    )


@pytest.fixture
def docker() -> FakeDocker:
    """No container runs."""
    return FakeDocker()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """It has nothing."""
    with serving(tmp_path / "docker.sock") as made:
        yield made


@pytest.fixture
def host(tmp_path: Path, docker: FakeDocker) -> Host:
    """As a provisioned one, with nothing in its directories."""
    if not IS_ROOT:
        pytest.skip("the files are root's, as on a host")
    made = config(tmp_path / "root")
    for directory in (made.nginx / "ssl", made.nginx / "logs", made.state / "tls", made.state / "acme"):
        directory.mkdir(parents=True)
    return Host(made, docker)


@pytest.fixture
def surveyed(host: Host, tmp_path: Path) -> Surveyed:
    """The same host, of which something is asked."""
    return Surveyed(host.config, DockerApi(str(tmp_path / "docker.sock")))
