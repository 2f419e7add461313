"""The tool as a person uses it against a throwaway host: a subprocess, its exit code and what it printed."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.bed import Bed
from testbed.digest import difference
from testbed.host import TestHost
from testbed.origin import Repository
from testbed.variants import Variant

LIMIT = 600
"""Seconds that one command of the tool may take in a test."""

AWAITED_SECONDS = 120
"""Until a restarted site serves, on a busy machine."""

SITE_IS_UP = """
passes() {{
  local container
  container=$(docker ps --quiet --filter status=running --filter "label=com.docker.compose.service=$1" | grep -m 1 .) &&
    docker exec "$container" sh -c "$(docker inspect --format '{{{{index .Config.Healthcheck.Test 1}}}}' "$container")"
}}
until passes demo-wallet && passes backend-api &&
  curl -sk -o /dev/null --resolve {domain}:443:127.0.0.1 https://{domain}/; do sleep 0.2; done >/dev/null 2>&1
"""
"""What Docker would run at its next look, in a container that runs: the command line after the word CMD-SHELL."""

Event = dict[str, object]

OWN_LOGS = ("/opt/biometric-did/logs/", "/opt/biometric-did/nginx/logs/")
"""Written by the running application and the proxy, whatever the tool does."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and everything it printed."""

    exit_code: int
    out: str
    err: str

    @property
    def events(self) -> list[Event]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def recap(self) -> Event:
        return self.events[-1]

    @property
    def steps(self) -> dict[str, Event]:
        return {str(event["step"]): event for event in self.events if event["event"] == "step"}

    def whys(self, *verdicts: str) -> list[str]:
        """Every change of the steps with one of these verdicts, as `step: why`."""
        return [
            f"{name}: {change['why']}"
            for name, step in self.steps.items()
            if step["verdict"] in verdicts
            for change in step["changes"]  # type: ignore[attr-defined]
        ]


@dataclass(frozen=True)
class Deployment:
    """One host with its inventory; `run` is `deployer COMMAND …` from beside it, of the version in `code`."""

    host: TestHost
    inventory: Path
    domain: str
    name: str = "web"
    environ: Mapping[str, str] = field(default_factory=dict)
    code: Path = field(default_factory=Path.cwd)

    @contextmanager
    def edited(self, old: str, new: str) -> Iterator[None]:
        """Another text in the inventory, for as long as the context lasts."""
        file = self.inventory / "web.toml"
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))
        try:
            yield
        finally:
            file.write_text(before)

    def await_site(self) -> None:
        """Until wallet and backend pass their own checks and the proxy answers, whatever it answers.

        The checks are asked here: Docker looks at a container's health only 30 s after its start.
        """
        awaiting = f"timeout {AWAITED_SECONDS} bash -c {shlex.quote(SITE_IS_UP.format(domain=self.domain))}"
        self.host.exec(awaiting, seconds=AWAITED_SECONDS + 30)

    def reboot(self) -> None:
        """As its owner does; the bed may give the host another address, which the inventory follows."""
        before = self.host.address
        self.host.reboot()
        for file in (self.inventory / f"{self.name}.toml", self.inventory / "known_hosts"):
            file.write_text(file.read_text().replace(before, self.host.address))

    def command(self, *words: str) -> list[str]:
        return [
            *("env", "--default-signal=INT"),  # a suite that was started with & has it ignored, and hands that down
            *(sys.executable, "-m", "deployer"),
            *words,
            "--host",
            self.name,
            "--inventory",
            str(self.inventory),
        ]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """The tool in a session of its own, so that a signal reaches it alone."""
        return subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", **self.environ},
            cwd=self.code,
            start_new_session=True,
        )

    def run(self, *words: str, limit: int = LIMIT) -> Outcome:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"{' '.join(words)} did not end within {limit} s\n{out}\n{err}") from None
        return Outcome(process.returncode, out, err)

    def json(self, *words: str, limit: int = LIMIT) -> Outcome:
        return self.run(*words, "--json", limit=limit)

    def ok(self, *words: str, limit: int = LIMIT) -> Outcome:
        """Run with --json; it has to succeed."""
        outcome = self.json(*words, limit=limit)
        assert outcome.exit_code == 0, f"exit {outcome.exit_code}\n{outcome.out[-4000:]}\n{outcome.err[-4000:]}"
        return outcome


@contextmanager
def booted(
    bed: Bed, name: str, variant: Variant | None = None, from_snapshot: str = "", builds_of: str = ""
) -> Iterator[TestHost]:
    """A host for as long as the context lasts; two suites on one machine have hosts of other names."""
    host = bed.boot(f"{name}-{os.getpid()}", variant=variant, from_snapshot=from_snapshot, builds_of=builds_of)
    try:
        yield host
    finally:
        host.destroy()


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The differences of two digests, without the logs that the running site writes by itself."""
    return [line for line in difference(before, after) if not any(log in line for log in OWN_LOGS)]


def deployment(
    directory: Path,
    host: TestHost,
    bed: Bed,
    repository: Repository,
    *,
    domain: str = "wallet.example.test",
    extra: str = "",
    **changed: str,
) -> Deployment:
    """Write the inventory of a host: the fixture application, a self-signed certificate, the distribution's Docker.

    `changed` replaces whole tables by their text, `extra` is put at the end.
    """
    tables = {**_tables(host, bed, repository, domain), **changed}
    text = "\n".join(f"[{name}]\n{table}" if name != "top" else table for name, table in tables.items() if table)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "web.toml").write_text(f"{text}\n{extra}\n")
    (directory / "known_hosts").write_text(host.known_hosts_line)
    return Deployment(host, directory, domain)


def _tables(host: TestHost, bed: Bed, repository: Repository, domain: str) -> dict[str, str]:
    mirrors, insecure = json.dumps(list(bed.registry.mirrors)), json.dumps(list(bed.registry.insecure))
    return {
        "top": "",
        "ssh": f'address = "{host.address}"\nport = {host.port}\nuser = "{host.user}"\n'
        f'identity_file = "{host.identity_file}"',
        "site": f'domain = "{domain}"',
        "source": f'repository = "{repository.url}"',
        "tls": 'mode = "self-signed"',
        "docker": f'packages = "distribution"\nregistry_mirrors = {mirrors}\ninsecure_registries = {insecure}',
        "wallet": 'dockerfile = "guide"\noutput_dir = "build"\napi_url_variable = "BIOMETRIC_API_URL"',
        "nginx": 'rate_limit = "off"',
    }
