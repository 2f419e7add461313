"""The throwaway copy: a directory, and containers on it in a network of their own without a way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.remote import files, output
from deployer.remote.backup import mounts
from deployer.remote.docker import existing
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.release.running import CREATE_SECONDS, succeeded

IMAGE = "[image]"
"""In the copy's compose file, for the image of the backup's release."""
TEMPLATE = "drill.yml"
"""The copy's compose file, as `deployer provision` writes it."""
LABEL = "deployer.drill"
SECRET_MODE = 0o600


@dataclass(frozen=True)
class Copy:
    """The copy of a deployment. It is found by its label, not by its project: another deployment may have that name."""

    host: Host

    @property
    def directory(self) -> Path:
        return self.host.config.state / "drill"

    @property
    def new(self) -> Path:
        """Where the backup is unpacked: the root directory of the copy."""
        return self.directory / "new"

    @property
    def project(self) -> str:
        return f"{self.host.config.name}-drill"

    @property
    def _label(self) -> str:
        return f"--filter=label={LABEL}={self.host.config.name}"

    def begin(self) -> None:
        """An empty directory; what a killed drill left is removed. Raises Failure."""
        if not self.host.docker("version").succeeded:
            raise Failure("Docker does not answer on this host")
        left = self._containers("--format={{.Names}}")
        if left:
            output.say(f"removing what an earlier drill left: {' '.join(left)}")
        try:
            self.remove()
        except Failure as failure:
            raise Failure(f"what an earlier drill left could not be removed: {failure}") from failure
        if existing(self.host.docker, self.project):
            what = f"another deployment on this host is called {self.project}"
            raise Failure(f"{what}, so the copy cannot have that name")
        self.new.mkdir(parents=True, mode=0o700)
        self.directory.chmod(0o700)

    def remove(self) -> None:
        """Containers, network and directory. Raises Failure where something stays."""
        if containers := self._containers("--quiet"):
            succeeded(self.host.docker("rm", "--force", "--volumes", *containers))
        networks = succeeded(self.host.docker("network", "ls", "--quiet", self._label)).text.split()
        if networks:
            succeeded(self.host.docker("network", "rm", *networks))
        mounts.remove(self.directory)

    def describe(self, image: str) -> None:
        """Write its compose file, with this image for the backend."""
        template = files.read(self.host.config.state / TEMPLATE).decode()
        if not template:
            raise Failure(f"{self.host.config.state / TEMPLATE} is missing: run `deployer provision`")
        text = template.replace(IMAGE, image)
        files.write(self.directory / "compose.yml", text.encode(), SECRET_MODE)

    def start(self, service: str) -> str:
        """The name of the container of a service, which is started without those that it depends on. Raises Failure."""
        result = self._compose("up", "--detach", "--no-deps", "--no-build", service)
        names = self._containers(f"--filter=label=com.docker.compose.service={service}", "--format={{.Names}}")
        if not result.succeeded or not names:
            output.say(indented(result.all_text))
            raise Failure(f"{service} could not be started in the copy")
        return names[0]

    def _compose(self, *words: str) -> Result:
        place = ("compose", "--project-directory", str(self.new), "-f", str(self.directory / "compose.yml"))
        return self.host.docker(*place, *words, limit=CREATE_SECONDS)

    def _containers(self, *words: str) -> Sequence[str]:
        return succeeded(self.host.docker("ps", "--all", self._label, *words)).text.split()


def indented(text: str) -> str:
    """What somebody else printed, as it is shown."""
    return "\n".join(f"  | {line}" for line in text.splitlines())
