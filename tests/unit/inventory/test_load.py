"""All mistakes at once, each with file, key, value and what is right."""

import os
from pathlib import Path

import pytest

from deployer.errors import InventoryError
from deployer.inventory.load import load

from .example import SMALLEST

MANY = """
colour = "red"
name = "Prod"
[ssh]
address = "203.0.113.10; reboot"
port = "22x"
[site]
domian = "example.com"
email = "admin"
aliases = ["www.example.com", "b_c.example.com"]
origins = ["*"]
[tls]
mode = "none"
acme_ca = "absent.pem"
[backend]
overlap = "no"
replicas = true
[environment]
API_SECRET_KEY = "hunter2"
"""


def mistakes(directory: Path, text: str, secrets: str | None = None, mode: int = 0o600) -> list[str]:
    """The lines of the error that loading gives, the directory left out."""
    (directory / "prod.toml").write_text(text)
    if secrets is not None:
        (directory / "prod.env").write_text(secrets)
        (directory / "prod.env").chmod(mode)
    with pytest.raises(InventoryError) as caught:
        load(directory, "prod")
    return caught.value.what.replace(f"{directory}{os.sep}", "").splitlines()


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """One run tells everything: keys, values, types, files and secrets."""
    lines = mistakes(tmp_path, MANY, "API_SECRET_KEY=short\n", 0o644)
    keys = [line.split(": ")[1] for line in lines]
    assert keys == [
        "name",
        "ssh.address",
        "ssh.port",
        "site.domain",
        "site.email",
        "site.aliases[1]",
        "site.origins[0]",
        "site.domian",
        "tls.mode",
        "backend.replicas",
        "backend.overlap",
        "environment.API_SECRET_KEY",
        "colour",
        "tls.acme_ca",
        "other users can read it (mode 0644)",
        "API_SECRET_KEY",
    ]
    assert "hunter2" not in "".join(lines)


def test_a_mistake_says_where_what_and_what_is_right(tmp_path: Path) -> None:
    """The line is all that a person needs."""
    lines = mistakes(tmp_path, MANY)
    assert 'prod.toml: ssh.port: got "22x": a port is a number from 1 to 65535' in lines
    assert "prod.toml: site.domian: no such key: did you mean `domain`?" in lines
    assert any(line.startswith("prod.toml: site.domain: missing: a domain is a full") for line in lines)


def test_file_is_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it would be typed: inventory/prod.toml."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "prod.toml").write_text(SMALLEST + "[nginx]\nrate_limit = 'fast'\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InventoryError, match=r'^inventory/prod.toml: nginx.rate_limit: got "fast": a rate is'):
        load(tmp_path / "inventory", "prod")


def test_a_key_in_the_wrong_table_is_sent_home(tmp_path: Path) -> None:
    """TOML's tables end where the next begins: the commonest slip."""
    lines = mistakes(tmp_path, SMALLEST + 'name = "prod"\nretain = 3\n')
    assert "prod.toml: site.name: no such key: it belongs at the top, before the first [table]" in lines
    assert "prod.toml: site.retain: no such key: it belongs in [releases]" in lines


def test_an_empty_file_lacks_two_keys(tmp_path: Path) -> None:
    """Missing keys are named even when their whole table is missing."""
    lines = mistakes(tmp_path, "")
    assert [line.split(": ")[1] for line in lines] == ["ssh.address", "site.domain", "site.email"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx = 3", "nginx: got 3: this is a table"),
        ("[backup]\n[[backup]]", "not TOML"),
        ("backup = []", "backup: got a list: this is a table"),
        ("ssh = 'x'", 'ssh: got "x": this is a table'),
        ("environment = 3", "environment: got a value that is not shown: this is a table"),
        ("[firewall]\nallow = '22'", 'firewall.allow: got "22": write allow = ["22"], as a list'),
        ("[site]\naliases = {a = 1}", "site.aliases: got a table: this is a list"),
        ("[site]\naliases = [[]]", "site.aliases[0]: got a list: a domain is"),
        ("[site]\ndomain = 2020-01-01", 'site.domain: got "2020-01-01": a domain is'),
        (
            "[environment]\nA = 3",
            "environment.A: got a value that is not shown: a value is a text in quotes",
        ),
        ('[environment]\n"a b" = "c"', 'environment."a b": a variable\'s name is'),
        (
            "[monitoring]\nalert_webhook = 'tok3n'",
            "monitoring.alert_webhook: got a value that is not shown: not available yet: remove it",
        ),
        ("[hardening]\nssh = true", "hardening.ssh: got true: not available yet: remove it"),
        ("[hardening]", "hardening: not available yet: remove it"),
        ("monitoring = 3", "monitoring: got 3: not available yet: remove it"),
        ("[monitoring]\nenabled = false", "monitoring.enabled: got false: not available yet: remove it"),
        ("[backend]\nmetrics_path = '/m'", 'backend.metrics_path: got "/m": not available yet: remove it'),
        ("[backend]\nport = '8000'", 'backend.port: got "8000": write port = 8000, without quotes'),
        ("[backend]\noverlap = 'false'", 'backend.overlap: got "false": write overlap = false, without quotes'),
        ("hooks.after_switch = 'sh x'", 'hooks.after_switch: got "sh x": write after_switch = ["sh", "x"], as a list'),
        ("[firewall]\nallow = 8080", 'firewall.allow: got 8080: write allow = ["8080"], as a list'),
        ("[backend]\ncpus = 1.5", 'backend.cpus: got 1.5: write cpus = "1.5", in quotes'),
        ("[backend]\nport = '99999'", 'backend.port: got "99999": a port is a number from 1 to 65535'),
    ],
)
def test_values_of_the_wrong_kind(tmp_path: Path, text: str, expected: str) -> None:
    """A table, a list or a number in the wrong place is one line, never a traceback."""
    (line,) = [line for line in mistakes(tmp_path, text) if "missing" not in line]
    assert expected in line


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name = \n", "line 1, column 8"),
        ("[ssh]\nport = 22x\n", "line 2"),
        ("[ssh]\nport = 1\nport = 2\n", "line 3"),
    ],
)
def test_a_syntax_error_says_its_line(tmp_path: Path, text: str, where: str) -> None:
    """What TOML's own reader found, and the secrets file is still checked."""
    first, second = mistakes(tmp_path, text, "A\n")
    assert first.startswith(f"prod.toml: {where}") and ": not TOML: " in first
    assert second.startswith("prod.env: line 1: ")


def test_what_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    """Binary files and endless nesting end in a message too."""
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.toml").write_text("a = " + "[" * 100_000)
    for name in ("a", "b"):
        with pytest.raises(InventoryError, match=rf"{name}.toml: (this is not UTF-8|not TOML)"):
            load(tmp_path, name)


def test_values_are_shown_safely(tmp_path: Path) -> None:
    """No control character reaches the terminal, no password the log, and a line stays a line."""
    text = '[ssh]\naddress = "\\u001b[31m\\nx\\u202e"\n[site]\ndomain = "' + "a" * 200 + '"\n'
    text += '[source]\nrepository = "https://me:hunter2@example.com/x"\n'
    lines = mistakes(tmp_path, text)
    assert len(lines) == 4
    assert "".join(lines).isprintable()
    assert "hunter2" not in "".join(lines)
    assert all(len(line) < 260 for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tls.mode = 'provided'", ["tls.certificate: missing", "tls.private_key: missing"]),
        ("tls.certificate = 'absent.pem'", ['tls.certificate: got "absent.pem": no such file']),
        ("source.deploy_key = '/absent'", ['source.deploy_key: got "/absent": no such file']),
        ("build.where = 'registry'", ["backend.image: missing", "wallet.image: missing"]),
        ("backend.log_dir = '/app/data'", ['backend.log_dir: got "/app/data": choose another directory']),
        ("backend = {overlap = false, replicas = 2}", ["backend.replicas: got 2: write replicas = 1: with overlap"]),
        ("backup.directory = '/opt/biometric-did/backups'", ["backup.directory: got"]),
        (
            "backup.offsite = 'sftp:a@example.com:/b'",
            ["backup.offsite: RESTIC_PASSWORD is missing in prod.env"],
        ),
        ("postgres.enabled = 1", ["postgres.enabled: got 1"]),
        ("environment.CORS_ORIGINS = '*'", ['environment.CORS_ORIGINS: got "*": write origins']),
        ("environment.CORS_ORIGINS = 'https://a.example.com, *'", ["environment.CORS_ORIGINS: got"]),
    ],
)
def test_keys_must_agree(tmp_path: Path, text: str, expected: list[str]) -> None:
    """What is right alone can be wrong together."""
    lines = mistakes(tmp_path, text + SMALLEST)
    assert len(lines) == len(expected)
    assert all(f"prod.toml: {start}" in line for line, start in zip(lines, expected, strict=True))


DATABASE = "postgres.enabled = true\n"


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        (
            "DATABASE_URL=postgresql://a:b@db.example.com/c\n",
            "which names another database: set this to false, or remove DATABASE_URL",
        ),
        (
            "DB_PASSWORD='p@ss word'\n",
            "DB_PASSWORD in prod.env becomes part of a URL: 8 or more of letters, digits and . _ ~ -",
        ),
        (
            "DB_PASSWORD=short-1\n",
            "DB_PASSWORD in prod.env becomes part of a URL: 8 or more of letters, digits and . _ ~ -",
        ),
    ],
)
def test_secrets_of_the_database(tmp_path: Path, secrets: str, expected: str) -> None:
    """One address of the database, and a password that can stand in it; no value is shown, and none refused without."""
    (line,) = mistakes(tmp_path, DATABASE + SMALLEST, secrets)
    assert line.startswith("prod.toml: postgres.enabled: ")
    assert expected in line
    assert secrets.split("=")[1].strip() not in line
    (tmp_path / "prod.toml").write_text(SMALLEST)
    assert load(tmp_path, "prod").secrets


def test_password_of_the_database(tmp_path: Path) -> None:
    """One that fits is taken, and none is needed."""
    (tmp_path / "prod.toml").write_text(DATABASE + SMALLEST)
    assert load(tmp_path, "prod").postgres.enabled
    (tmp_path / "prod.env").write_text("DB_PASSWORD=Az09._~-\n")
    (tmp_path / "prod.env").chmod(0o600)
    assert load(tmp_path, "prod").secrets["DB_PASSWORD"].reveal() == "Az09._~-"


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("api_domain = 'Example.com'", "site.api_domain: got"),
        (
            "aliases = ['api.example.com']",
            'site.aliases: got "api.example.com": this name is used twice',
        ),
        ("aliases = ['a.example.com', 'A.example.com']", "site.aliases: got"),
    ],
)
def test_names_are_different(tmp_path: Path, site: str, expected: str) -> None:
    """nginx would answer one of them in two places, a certificate refuse them."""
    (line,) = mistakes(tmp_path, f"{SMALLEST}\n{site}\n")
    assert expected in line


def test_local_has_no_gateway(tmp_path: Path) -> None:
    """Whoever writes both has something else in mind."""
    text = SMALLEST.replace("203.0.113.10", "local").replace("[site]", 'gateway = "ops@bastion.example.com"\n[site]')
    (line,) = mistakes(tmp_path, text)
    assert "ssh.gateway: got" in line


def test_self_signed_needs_no_email(tmp_path: Path) -> None:
    """Only Let's Encrypt writes to somebody."""
    text = SMALLEST.replace('email = "admin@example.com"', '[tls]\nmode = "self-signed"')
    (tmp_path / "prod.toml").write_text(text)
    assert load(tmp_path, "prod").site.email == ""


def test_provided_certificate_lies_beside_the_file(tmp_path: Path) -> None:
    """Relative paths begin in the inventory, wherever the tool was started."""
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).touch()
    text = SMALLEST + '[tls]\nmode = "provided"\ncertificate = "chain.pem"\nprivate_key = "key.pem"\n'
    (tmp_path / "prod.toml").write_text(text)
    loaded = load(tmp_path, "prod")
    assert loaded.local_path(loaded.tls.certificate) == tmp_path / "chain.pem"


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ("API_SECRET_KEY=short", "API_SECRET_KEY: a key has at least 32 bytes"),
        (
            "API_SECRET_KEY=<generate_with_secrets.token_urlsafe(32)>",
            "API_SECRET_KEY: it is still a placeholder",
        ),
        ("DB_PASSWORD=changeme", "DB_PASSWORD: it is still a placeholder"),
        ("DB_PASSWORD=CHANGE_ME", "DB_PASSWORD: it is still a placeholder"),
        ("DB_PASSWORD=your-password", "DB_PASSWORD: it is still a placeholder"),
        ("DB_PASSWORD=", "DB_PASSWORD: it is empty"),
        ('DB_PASSWORD="a\nb"', "DB_PASSWORD: a value must be on one line"),
        ("DB_PASSWORD", "line 1: expected NAME=value"),
        ("a b=c", "line 1: expected NAME=value"),
        ("1A=hunter2", '"1A": a name is letters'),
        ("A=hunter2\nA=hunter3", '"A": it is set twice'),
    ],
)
def test_secrets_are_checked_and_never_shown(tmp_path: Path, secrets: str, expected: str) -> None:
    """A placeholder in production is worse than no key; its value is nobody's business."""
    (line,) = mistakes(tmp_path, SMALLEST, secrets + "\n")
    assert line.startswith(f"prod.env: {expected}")
    assert "hunter" not in line


def test_secrets_are_kept_as_they_are(tmp_path: Path) -> None:
    """Nothing is expanded, neither by the shell's rules nor by Compose's."""
    (tmp_path / "prod.toml").write_text(SMALLEST)
    (tmp_path / "prod.env").touch(mode=0o600)
    (tmp_path / "prod.env").write_text("# mine\nRESTIC_PASSWORD='a $HOME ${x} # \"b'\n\nexport A=b\n")
    secrets = load(tmp_path, "prod").secrets
    assert {key: secret.reveal() for key, secret in secrets.items()} == {
        "RESTIC_PASSWORD": 'a $HOME ${x} # "b',
        "A": "b",
    }


def test_a_secrets_file_that_others_read_is_refused(tmp_path: Path) -> None:
    """The message holds the command that mends it."""
    (line,) = mistakes(tmp_path, SMALLEST, "A=b\n", 0o640)
    assert line.startswith("prod.env: other users can read it (mode 0640): run chmod 600 ")
