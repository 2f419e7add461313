"""Refused with one clear message, the right exit code and nothing changed; what fails later leaves what served serving."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.host.bed.bed import Bed
from tests.host.bed.digest import digest
from tests.host.bed.origin import Repository, publish
from tests.host.bed.variants import Variant
from tests.host.conftest import APPLICATION, Boot
from tests.host.tool import Deployment, Outcome, booted, deployment, touched
from tests.host.visitor import Visitor
from tests.unit.outside.naming import name_server

ROOT = "/opt/biometric-did"
DOMAIN, API = "wallet.example.test", "api.wallet.example.test"
PASSWORD = "right-4711"


def refused(deployed: Deployment, exit_code: int, *said: str, command: tuple[str, ...] = ("provision",)) -> Outcome:
    """Run for people and for programs: one message with a remedy, the exit code, no traceback; give the second run."""
    text, told = deployed.run(*command), deployed.json(*command)
    for outcome in (text, told):
        assert outcome.exit_code == exit_code, f"exit {outcome.exit_code}\n{outcome.out}\n{outcome.err}"
        assert "Traceback" not in outcome.out + outcome.err
    headlines = [line for line in text.err.splitlines() if line.startswith("error")]
    assert len(headlines) == 1, text.err
    assert "\n→ " in text.err, text.err
    errors = [event for event in told.events if event["event"] == "error"]
    assert len(errors) == 1, told.out
    assert errors[0]["remedy"], errors
    assert errors[0]["exit_code"] == exit_code
    assert (told.recap["event"], told.recap["exit_code"]) == ("recap", exit_code), told.out
    for words in said:
        assert words in text.err, f"{words!r} is not in\n{text.err}"
        assert words in f"{errors[0]['message']}\n{errors[0]['remedy']}\n{errors[0]['context']}", errors
    return told


def rewrite(deployed: Deployment, old: str, new: str) -> None:
    """Put other text into the inventory; what it replaces has to be there."""
    file = deployed.inventory / "web.toml"
    text = file.read_text()
    assert old in text, text
    file.write_text(text.replace(old, new, 1))


# -- before anything is done ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a host: how it is brought about, and undone; what is said. `environ` is the operator's."""

    exit_code: int
    said: tuple[str, ...]
    wrong: str
    right: str
    password: str = ""


LISTEN = "import socket, signal; s = socket.socket(); s.bind(('', 80)); s.listen(); signal.pause()"

HOSTS = {
    "no sudo right": Refusal(
        3,
        ("deploy is not in the sudoers file", "deployer bootstrap --host web"),
        "mv /etc/sudoers.d/90-vendor /root",
        "mv /root/90-vendor /etc/sudoers.d",
        password=PASSWORD,
    ),
    "sudo wants a password and there is none": Refusal(
        3,
        ("deploy may not run sudo without a password", "DEPLOYER_SUDO_PASSWORD"),
        "sed -i 's/NOPASSWD: //' /etc/sudoers.d/90-vendor",
        "sed -i 's/ ALL$/ NOPASSWD: ALL/' /etc/sudoers.d/90-vendor",
    ),
    "wrong sudo password": Refusal(
        3,
        ("does not accept the password of deploy", "DEPLOYER_SUDO_PASSWORD"),
        "sed -i 's/NOPASSWD: //' /etc/sudoers.d/90-vendor",
        "sed -i 's/ ALL$/ NOPASSWD: ALL/' /etc/sudoers.d/90-vendor",
        password="wrong-0815",
    ),
    "sudo is not installed": Refusal(
        3,
        ("sudo is not installed", "deployer bootstrap --host web"),
        "mv /usr/bin/sudo /usr/bin/sudo.away",
        "mv /usr/bin/sudo.away /usr/bin/sudo",
    ),
    "unsupported system": Refusal(
        1,
        ("Debian GNU/Linux 10 (buster) is not supported", "Ubuntu 24.04"),
        "cp /usr/lib/os-release /root; sed -i 's/^VERSION_ID=.*/VERSION_ID=\"10\"/; "
        "s/^PRETTY_NAME=.*/PRETTY_NAME=\"Debian GNU\\/Linux 10 (buster)\"/' /usr/lib/os-release",
        "mv /root/os-release /usr/lib/os-release",
    ),
    "port 80 is taken": Refusal(
        1,
        ("port 80 is taken by python3", "systemctl disable --now"),
        f'systemd-run --quiet --unit=other-server python3 -c "{LISTEN}"; '
        "timeout 10 bash -c 'until ss -Hltn \"( sport = :80 )\" | grep -q .; do sleep 0.05; done'",
        "systemctl stop other-server",
    ),
    "two things at once": Refusal(
        1,
        ("port 80 is taken by python3", "is not supported"),
        f'systemd-run --quiet --unit=other-server python3 -c "{LISTEN}"; '
        "timeout 10 bash -c 'until ss -Hltn \"( sport = :80 )\" | grep -q .; do sleep 0.05; done'; "
        "cp /usr/lib/os-release /root; sed -i 's/^VERSION_ID=.*/VERSION_ID=\"10\"/' /usr/lib/os-release",
        "systemctl stop other-server; mv /root/os-release /usr/lib/os-release",
    ),
}


@pytest.fixture(scope="module")
def untouched(bed: Bed, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One fresh host that is refused again and again: what each test does to it, it undoes."""
    with booted(bed, "untouched", Variant(user_password=PASSWORD)) as host:
        yield deployment(tmp_path_factory.mktemp("untouched"), host, bed, repository)


@pytest.fixture
def own(untouched: Deployment, bed: Bed, repository: Repository, tmp_path: Path) -> Deployment:
    """The same host with an inventory of the test's own."""
    return deployment(tmp_path / "inventory", untouched.host, bed, repository)


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_is_not_as_it_has_to_be(own: Deployment, name: str) -> None:
    """What is wrong with the host is named with what mends it, by a run and by a dry run, and nothing is written."""
    refusal = HOSTS[name]
    deployed = replace(own, environ={"DEPLOYER_SUDO_PASSWORD": refusal.password} if refusal.password else {})
    deployed.host.exec(refusal.wrong)
    try:
        before = digest(deployed.host)
        refused(deployed, refusal.exit_code, *refusal.said)
        assert deployed.json("provision", "--dry-run").exit_code == refusal.exit_code
        assert touched(before, digest(deployed.host)) == []
    finally:
        deployed.host.exec(refusal.right)


def test_host_keys_and_keys(own: Deployment, tmp_path: Path) -> None:
    """An unknown and a changed host key are shown by their fingerprints; a key that opens nothing is named."""
    before = digest(own.host)
    shown = own.host.exec("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    known = own.inventory / "known_hosts"
    known.write_text("")
    refused(own, 3, "host key", "is unknown", shown, f"deployer trust --host web --fingerprint {shown}")

    other_key = new_key(tmp_path / "other")
    public = paramiko.Ed25519Key.from_private_key_file(str(other_key))
    known.write_text(f"{own.host.address} {public.get_name()} {public.get_base64()}\n")
    refused(own, 3, "has CHANGED", shown, str(public.fingerprint), "deployer trust --host web")
    known.write_text(own.host.known_hosts_line)

    rewrite(own, str(own.host.identity_file), str(other_key))
    refused(own, 3, "does not let deploy log in", str(other_key), "authorized_keys")
    assert touched(before, digest(own.host)) == []


def new_key(path: Path) -> Path:
    """A private key that nobody has heard of."""
    private = Ed25519PrivateKey.generate()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    return path


def test_dns_that_points_elsewhere(own: Deployment) -> None:
    """With Let's Encrypt a name that leads elsewhere, to IPv6 or nowhere is refused before the CA is asked."""
    before = digest(own.host)
    zone: dict[tuple[str, str], list[str] | None] = {
        (DOMAIN, "A"): ["203.0.113.77"],
        (API, "A"): [own.host.address],
        (API, "AAAA"): ["2001:db8::7"],
    }
    rewrite(own, 'mode = "self-signed"', 'mode = "letsencrypt"')
    with name_server(zone) as server:
        site = f'domain = "{DOMAIN}"\nemail = "a@example.com"\naliases = ["nowhere.example.test"]'
        rewrite(own, f'domain = "{DOMAIN}"', f'{site}\nnameservers = ["{server}"]')
        refused(
            own,
            1,
            f"{DOMAIN} points to 203.0.113.77, which is not this host",
            f"{API} has the IPv6 address 2001:db8::7, which is not served",
            "nowhere.example.test does not resolve",
            f"point the A record of {DOMAIN} to this host",
        )
    assert touched(before, digest(own.host)) == []


def test_a_disk_that_is_full(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path) -> None:
    """Too little room is said with the amount before anything is installed."""
    small = deployment(tmp_path / "inventory", boot("small", Variant(free_megabytes=700)), bed, repository)
    before = digest(small.host)
    refused(small, 1, "MiB free, at least 2048 are needed", "free space on /")
    assert touched(before, digest(small.host)) == []


# -- the inventory: before any connection ----------------------------------------------------------------------------


@pytest.fixture
def listening(bed: Bed, own: Deployment) -> Iterator[tuple[Deployment, Callable[[], bool]]]:
    """An inventory whose host is a bare listener, and the question whether anybody has connected to it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        rewrite(own, f'address = "{own.host.address}"\nport = 22', f'address = "127.0.0.1"\n{port_of(listener)}')

        def called() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield own, called


def port_of(listener: socket.socket) -> str:
    return f"port = {listener.getsockname()[1]}"


HOSTILE = (" ", "'", '"', "$(id)", "`id`", ";", "\n", "\\", "${PATH}")
TEXT_KEYS = {
    "name": 'name = {}',
    "root": 'root = {}',
    "ssh.user": "[ssh]\nuser = {}",
    "site.domain": "[site]\ndomain = {}",
    "site.email": "[site]\nemail = {}",
    "source.repository": "[source]\nrepository = {}",
    "source.ref": "[source]\nref = {}",
    "backend.health_path": "[backend]\nhealth_path = {}",
    "backend.data_dir": "[backend]\ndata_dir = {}",
    "backend.target": "[backend]\ntarget = {}",
    "wallet.output_dir": "[wallet]\noutput_dir = {}",
    "wallet.api_url_variable": "[wallet]\napi_url_variable = {}",
    "nginx.image": "[nginx]\nimage = {}",
    "backup.directory": "[backup]\ndirectory = {}",
}
GOOD_BEGINNINGS = {
    "root": "/opt/x",
    "backend.health_path": "/h",
    "backend.data_dir": "/d",
    "backup.directory": "/b",
    "source.repository": "https://example.com/x.git",
    "site.domain": "x.example.com",
    "site.email": "a@example.com",
}


def test_mistakes_are_told_all_at_once_before_any_connection(
    listening: tuple[Deployment, Callable[[], bool]],
) -> None:
    """Ten mistakes make ten lines, each with its key; an unknown key says what was meant; nobody is called."""
    deployed, called = listening
    file = deployed.inventory / "web.toml"
    text = file.read_text().replace(f'domain = "{DOMAIN}"', 'domian = "two words.example.com"')
    mistakes = (
        'name = "Not A Name"\n'
        + text
        + '\n[backend]\nport = "8000"\nhealth_path = "health"\nreplicas = 0\nmemory = "much"\n'
        + '[backup]\nkeep_dayz = 7\nschedule = "daily"\n[firewal]\nallow = []\n'
        + '[releases]\nretain = "all"\n'
    )
    file.write_text(mistakes)
    keys = ("name", "site.domian", "site.domain", "backend.port", "backend.health_path", "backend.replicas")
    keys += ("backend.memory", "backup.keep_dayz", "backup.schedule", "firewal", "releases.retain")
    near = ("did you mean `domain`?", "did you mean `keep_days`?", "did you mean `firewall`?")
    told = refused(deployed, 2, *(f": {key}: " for key in keys), *near)
    (message,) = (str(event["message"]) for event in told.events if event["event"] == "error")
    assert len(message.splitlines()) == len(keys)
    assert not called()


@pytest.mark.parametrize("key", TEXT_KEYS)
def test_what_would_break_out_of_its_place_is_refused(
    listening: tuple[Deployment, Callable[[], bool]], key: str
) -> None:
    """A space, quote, dollar, backtick, semicolon, newline or backslash in a text is refused, and nobody is called."""
    deployed, called = listening
    file = deployed.inventory / "web.toml"
    good = file.read_text()
    for hostile in HOSTILE:
        value = json.dumps(f"{GOOD_BEGINNINGS.get(key, 'x')}{hostile}")
        file.write_text(with_key(good, key, value))
        outcome = deployed.json("provision")
        assert (outcome.exit_code, outcome.recap["exit_code"]) == (2, 2), f"{key} = {value}: {outcome.out}"
        assert key in outcome.out
    assert not called()


def with_key(text: str, key: str, value: str) -> str:
    """An inventory's text with one key of a table set to this value, instead of what it had."""
    table, _, word = key.rpartition(".")
    if not table:
        return f"{word} = {value}\n{text}"
    if f"[{table}]" not in text:
        return f"{text}\n[{table}]\n{word} = {value}\n"
    head, _, rest = text.partition(f"[{table}]\n")
    own, bracket, others = rest.partition("\n[")
    kept = "\n".join(line for line in own.splitlines() if not line.startswith(f"{word} ="))
    return f"{head}[{table}]\n{word} = {value}\n{kept}{bracket}{others}"
