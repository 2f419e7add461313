"""A site whose backups are copied off-site: what lies here, what lies there, and restic as a person uses it."""

import json
from dataclasses import dataclass

from deployer.engine.host_program import PYTHON, program, program_files
from deployer.inventory.load import load
from deployer.inventory.model import Inventory
from deployer.steps import offsite
from deployer.text.shell import sh
from testbed.host import TestHost
from testbed.shell import Completed
from tests.support.tool import Deployment, Outcome

STATE = "/opt/biometric-did/.deployer"
BACKUPS = "/backups/biometric-did"
REPOSITORY = "/mnt/offsite"
PASSWORD = "open-sesame-0815 it's $ecret"

AGE = r"""
set -eu
cd "$BACKUPS"; from=$(ls | tail -n 1); id=biometric-did_$(date -u -d "$DAYS days ago" +%Y%m%d_%H%M%S)
cp -a "$from" "$id"; cd "$id"
for file in "$from"_*; do mv "$file" "$id${file#"$from"}"; done
sed -i -E "s/$from/$id/g; s/\"time\": \"[^\"]*\"/\"time\": \"$(date -u -d "$DAYS days ago" +%FT%TZ)\"/" manifest.json
sha256sum "${id}"_* manifest.json >SHA256SUMS; echo "$id"
"""
"""Another whole backup, of some days ago."""

WRAPPER = r"""#!/bin/bash
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' >>/run/seen; printf '\n' >>/run/seen
exec /usr/bin/restic "$@"
"""
"""Comes before restic in PATH, and keeps the arguments of every process there is."""


@dataclass(frozen=True)
class Copied:
    """`password` stands in NAME.env; what is done by restic itself is done by the program that a person has."""

    deployment: Deployment

    @property
    def host(self) -> TestHost:
        return self.deployment.host

    @property
    def local(self) -> list[str]:
        return self.host.exec(f"ls {BACKUPS}").stdout.split()

    @property
    def there(self) -> list[str]:
        told = self.deployment.ok("backups", "--offsite")
        return [str(event["id"]) for event in told.events if event["event"] == "backup"]

    def restic(self, words: str) -> str:
        return self.host.exec(f"{STATE}/bin/restic {words}").stdout

    def backup(self) -> Outcome:
        return self.deployment.json("backup")

    def provisioned(self) -> list[str]:
        """The steps that changed something."""
        told = self.deployment.ok("provision", "--no-verify").whys("changed")
        return list(dict.fromkeys(why.partition(":")[0] for why in told))

    def as_cron(self) -> Completed:
        """What cron runs, and all that it logs."""
        return self.host.exec(f"{STATE}/bin/backup 2>&1", check=False, seconds=300)

    def on_host(self, *words: str, keep_days: int = 30, host: TestHost | None = None) -> Completed:
        """The verb `offsite` of the host program, with another retention or on another host."""
        inventory = load(self.deployment.inventory, self.deployment.name)
        backup = inventory.backup.model_copy(update={"keep_days": keep_days})
        there = _programs(host or self.host, inventory.model_copy(update={"backup": backup}))
        return (host or self.host).exec(f"{sh(*PYTHON, there, 'offsite', *words)} 2>&1", check=False, seconds=300)

    def aged(self, days: int) -> str:
        return self.host.exec(f"BACKUPS={BACKUPS} DAYS={days}; {AGE}").stdout.strip()

    def supply(self, password: str) -> None:
        env = self.deployment.inventory / "web.env"
        quoted = password.replace("'", "\\'")
        env.write_text(f"RESTIC_PASSWORD='{quoted}'\n")
        env.chmod(0o600)

    def go_to(self, repository: str) -> None:
        """Another place for the copies, from the next provision on."""
        file = self.deployment.inventory / "web.toml"
        lines = file.read_text().splitlines()
        file.write_text("\n".join(_placed(line, repository) for line in lines))

    def check_is_due(self) -> None:
        self.host.exec(f"touch -d '8 days ago' {STATE}/offsite/checked")


def _programs(host: TestHost, inventory: Inventory) -> str:
    """The host program with these settings, apart from the host's own, and the files of its off-site step."""
    there = f"{STATE}/other"
    host.exec(f"mkdir -p {there} {STATE}/bin")
    for file in program_files(inventory):
        host.write(f"{there}/{file.path.name}", file.content, "600")
    for file in offsite.files(inventory).values():
        host.write(str(file.path), file.content, "755")
    return f"{there}/{program(inventory).name}"


def _placed(line: str, repository: str) -> str:
    return f'offsite = "{repository}"' if line.startswith("offsite = ") else line


def verdicts(outcome: Outcome) -> dict[str, object]:
    return {name: step["verdict"] for name, step in outcome.steps.items()}


def output_of(outcome: Outcome) -> str:
    """The last lines that the error tells of the host."""
    errors = [event for event in outcome.events if event["event"] == "error"]
    return json.dumps(errors[-1]) if errors else ""


def digests(host: TestHost, directory: str) -> str:
    return host.exec(f"cd {directory} && sha256sum $(ls | grep -v '^verified$')").stdout


def inventory_text(keep_min: int) -> str:
    return f'[backup]\nkeep_min = {keep_min}\noffsite = "{REPOSITORY}"'


def key_of_root(host: TestHost) -> str:
    host.exec("mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    return host.exec("cat /root/.ssh/id_ed25519.pub").stdout
