"""No secret is ever seen: not in any output, process, log, file or image. It stands in .env, and Docker has it."""

import base64
import gzip
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.host import TestHost
from testbed.origin import Repository
from tests.support.tool import Deployment, Outcome, booted, deployment
from tests.support.watching import watched

pytestmark = pytest.mark.in_turn

ROOT = "/opt/biometric-did"
SUDO_PASSWORD = "sudo-Pass-4711-x"

SUPPLIED = {
    "API_SECRET_KEY": "operators-own-key-0123456789abcdef-0123",
    "DATABASE_URL": "postgresql://who:p%40ss$word#1@db.example.com/x?y=z",
    "SMTP_PASSWORD": 'it\'s "quoted" & $HOME `id` \\n end',
    "SENTRY_DSN": "https://0123456789abcdef-dsn@sentry.example.com/42",
}
"""What the operator has in NAME.env; the last name does not look like a secret's."""

KEPT = (
    rf"{ROOT}/\.env",
    r"/var/lib/docker/containers/[^/]+/(config\.v2\.json|[^/]+-json\.log)",
    r"/var/lib/containerd/io\.containerd\.metadata\.v1\.bolt/meta\.db",
    r"/run/(docker|containerd)/.*/config\.json",
)
"""Where secrets stand: .env, and what Docker keeps of a container: its environment, and what it printed."""

LISTS = (("releases",), ("backups",), ("audit",))

SHOW = "import os; print(*(f'{name}={value}' for name, value in sorted(os.environ.items())), sep='\\n', flush=True)"
SHOW_AND_SERVE = f"{SHOW}; os.execvp('python', ['python', '/app/api_server_secure.py'])"
SHOW_AND_END = f"{SHOW}; raise SystemExit(3)"


@pytest.fixture(scope="module")
def secretive(
    bed: Bed, repository: Repository, provisioned_snapshot: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A provisioned host whose user needs a password for sudo, and whose operator supplies secrets."""
    with booted(bed, "secretive", from_snapshot=provisioned_snapshot) as host:
        host.exec(f"echo 'deploy:{SUDO_PASSWORD}' | chpasswd; sed -i 's/NOPASSWD: //' /etc/sudoers.d/90-vendor")
        made = deployment(tmp_path_factory.mktemp("secretive"), host, bed, repository)
        supply(made, SUPPLIED)
        yield replace(made, environ={"DEPLOYER_SUDO_PASSWORD": SUDO_PASSWORD})


def supply(deployed: Deployment, secrets: Mapping[str, str]) -> None:
    """Write NAME.env, each value as python-dotenv reads it back."""
    quoted = (value.replace("\\", "\\\\").replace("'", "\\'") for value in secrets.values())
    lines = [f"{name}='{value}'" for name, value in zip(secrets, quoted, strict=True)]
    file = deployed.inventory / "web.env"
    file.touch(mode=0o600)
    file.write_text("\n".join([*lines, ""]))


def real_secrets(host: TestHost) -> dict[str, str]:
    """What the application has: read from its container, past the tool."""
    names = [*SUPPLIED, "JWT_SECRET_KEY"]
    code = f"import json, os; print(json.dumps({{name: os.environ.get(name, '') for name in {names!r}}}))"
    container = host.exec("docker ps --filter label=com.docker.compose.service=backend-api --format '{{.Names}}'")
    answer = host.exec(("docker", "exec", container.stdout.split()[0], "python", "-c", code)).stdout
    found = json.loads(answer)
    assert isinstance(found, dict)
    return found


def forms(secret: str) -> Iterator[str]:
    """A secret, and how it looks when a program has quoted or coded it."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield secret.replace("'", "\\'")
    yield secret.replace("'", "'\\''")
    yield urllib.parse.quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode().rstrip("=")


def found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that a text holds; also packed into the command lines that the tool sends."""
    packed = re.findall(r"echo ([A-Za-z0-9+/=]{40,}) \| base64 -d \| gzip -d", text)
    whole = "\n".join([text, *(gzip.decompress(base64.b64decode(part)).decode(errors="replace") for part in packed)])
    return [name for name, secret in secrets.items() if any(form in whole for form in forms(secret))]


def command_line(words: str) -> str:
    return f'command = ["python", "-c", {json.dumps(words)}]'


def test_no_secret_is_seen_anywhere(secretive: Deployment, tmp_path: Path) -> None:
    """Every command, with -v, --diff and --json, also one whose container prints all it has and dies; then a search.

    The operator's secrets arrive byte for byte. Searched are the outputs, arguments and environments of all processes
    outside of containers, the journal, the whole file system, and the images with their layers.
    """
    deployed, host = secretive, secretive.host
    file = deployed.inventory / "web.toml"
    good = file.read_text()
    file.write_text(f"{good}\n[backend]\n{command_line(SHOW_AND_SERVE)}\n")
    outputs: dict[str, Outcome] = {}

    def run(*words: str, exit_code: int = 0) -> None:
        outcome = deployed.run(*words)
        outputs[" ".join((*words, str(len(outputs))))] = outcome
        assert outcome.exit_code == exit_code, f"{words}: exit {outcome.exit_code}\n{outcome.out}\n{outcome.err}"

    with watched(host, tmp_path / "seen"):
        run("provision", "--dry-run", "--diff", "-v")
        run("provision", "--dry-run", "--diff", "--json")
        run("provision", "--diff", "-v")
        secrets = real_secrets(host)
        assert {name: secrets[name] for name in SUPPLIED} == SUPPLIED
        host.exec(f"sed -i s/HTTPS_ONLY=true/HTTPS_ONLY=false/ {ROOT}/.env")
        run("provision", "--dry-run", "--diff", "-v")
        run("provision", "--diff", "--json")
        for words in (("verify",), ("status",), ("logs",), ("logs", "backend-api"), *LISTS):
            run(*words, "-v")
            run(*words, "--json")
        file.write_text(f"{good}\n[backend]\n{command_line(SHOW_AND_END)}\n")
        run("provision", "-v", exit_code=4)
        run("provision", "--json", exit_code=4)
    secrets = {**secrets, "DEPLOYER_SUDO_PASSWORD": SUDO_PASSWORD}

    assert "API_SECRET_KEY=[secret]" in outputs_of("logs", outputs), "the application was to print it"
    assert "API_SECRET_KEY=[secret]" in outputs_of("provision -v", outputs), "the application was to print it"
    leaks = {words: found for words, seen in outputs.items() if (found := found_in(seen.out + seen.err, secrets))}
    assert leaks == {}, {words: lines_with(outputs[words], secrets) for words in leaks}
    seen = (tmp_path / "seen").read_text()
    assert "runner.sh" in seen, "the watcher saw nothing of the tool"
    assert "docker compose" in seen
    assert found_in(seen, secrets) == []
    assert found_in(host.exec("journalctl --no-pager -o cat").stdout, secrets) == []
    assert found_in(host.exec("journalctl --no-pager -o json | cut -c -200000").stdout, secrets) == []
    assert found_in(host.exec("docker image inspect $(docker images -q 'biometric-did-*')").stdout, secrets) == []
    names = host.exec("docker images 'biometric-did-*' --format '{{.Repository}}:{{.Tag}}'").stdout.split()
    history = "".join(host.exec(("docker", "history", "--no-trunc", name)).stdout for name in names)
    assert found_in(history, secrets) == []
    assert files_with(host, secrets) == []
    file.write_text(good)
    assert deployed.ok("provision").recap["failed"] == 0


def outputs_of(beginning: str, outputs: Mapping[str, Outcome]) -> str:
    return "\n".join(seen.out + seen.err for words, seen in outputs.items() if words.startswith(beginning))


def lines_with(outcome: Outcome, secrets: Mapping[str, str]) -> list[str]:
    return [line[:400] for line in (outcome.out + outcome.err).splitlines() if found_in(line, secrets)]


def files_with(host: TestHost, secrets: Mapping[str, str]) -> list[str]:
    """The files of the host that hold a secret and must not: Docker keeps a container's environment and its output."""
    patterns = "\n".join(sorted({form for secret in secrets.values() for form in forms(secret)}))
    search = "grep -r --files-with-matches --text --fixed-strings --devices=skip --exclude-dir=proc --exclude-dir=sys"
    listed = host.exec(f"cd /; {search} -f - /", check=False, stdin=patterns.encode(), seconds=300).stdout.splitlines()
    assert f"{ROOT}/.env" in listed, listed
    return [path for path in listed if not any(re.fullmatch(place, path) for place in KEPT)]


def test_the_sudo_password_may_stand_in_name_env(secretive: Deployment) -> None:
    """DEPLOYER_SUDO_PASSWORD of NAME.env is used for sudo, and is none of the application's variables."""
    supply(secretive, {**SUPPLIED, "DEPLOYER_SUDO_PASSWORD": SUDO_PASSWORD})
    outcome = replace(secretive, environ={}).ok("provision")
    assert outcome.recap["failed"] == 0
    assert "DEPLOYER_SUDO_PASSWORD" not in secretive.host.exec(f"cat {ROOT}/.env").stdout
