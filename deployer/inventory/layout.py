"""Where things are on the host: every path under the root directory, named once."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Layout:
    root: PurePosixPath
    name: str

    @property
    def compose(self) -> PurePosixPath:
        return self.root / "docker-compose.yml"

    @property
    def env(self) -> PurePosixPath:
        return self.root / ".env"

    @property
    def nginx(self) -> PurePosixPath:
        return self.root / "nginx"

    @property
    def nginx_conf(self) -> PurePosixPath:
        return self.nginx / "nginx.conf"

    @property
    def conf_d(self) -> PurePosixPath:
        return self.nginx / "conf.d"

    @property
    def site_conf(self) -> PurePosixPath:
        return self.conf_d / f"{self.name}.conf"

    @property
    def maintenance(self) -> PurePosixPath:
        """The switch of the maintenance page: it is on while this file is there."""
        return self.nginx / "maintenance"

    @property
    def ssl(self) -> PurePosixPath:
        return self.nginx / "ssl"

    @property
    def certificate(self) -> PurePosixPath:
        return self.ssl / "fullchain.pem"

    @property
    def private_key(self) -> PurePosixPath:
        return self.ssl / "privkey.pem"

    @property
    def nginx_logs(self) -> PurePosixPath:
        return self.nginx / "logs"

    @property
    def logs(self) -> PurePosixPath:
        return self.root / "logs"

    @property
    def data(self) -> PurePosixPath:
        return self.root / "data"

    @property
    def postgres(self) -> PurePosixPath:
        """The database's own files: the user of its image owns them."""
        return self.root / "postgres"

    @property
    def source(self) -> PurePosixPath:
        return self.root / "src"

    @property
    def state(self) -> PurePosixPath:
        return self.root / ".deployer"

    @property
    def releases(self) -> PurePosixPath:
        """A directory for each release's configuration."""
        return self.state / "releases"

    @property
    def release_log(self) -> PurePosixPath:
        return self.state / "releases.jsonl"

    @property
    def drill_log(self) -> PurePosixPath:
        """What became of each drill."""
        return self.state / "drills.jsonl"

    @property
    def audit(self) -> PurePosixPath:
        return self.state / "audit.jsonl"
