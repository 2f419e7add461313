"""What is right and what is wrong for each kind of value."""

import pytest

from deployer.errors import InventoryError

from .example import inventory, look_up

LONG_LABEL = "a" * 64 + ".example.com"
LONG_DOMAIN = ".".join(["a" * 60] * 5)

CASES: dict[str, tuple[list[object], list[object]]] = {
    "name": (["ab", "a-b-1"], ["a", "A", "1a", "-a", "a_b", "a" * 32, "", 1]),
    "root": (
        ["/opt/x", "/srv/a/b", "/home/deploy/app", "/var/lib/app", "/data"],
        [
            "/",
            "",
            "opt/x",
            "/etc",
            "/etc/x",
            "/usr",
            "/usr/local/x",
            "/var",
            "/home",
            "/opt",
            "/root",
            "/tmp/x",
            "/var/lib",
            "/var/lib/docker",
            "/var/lib/docker/x",
            "/opt/../etc",
            "/opt/./x",
            "/opt//x",
            "/opt/x/",
            "/opt/a b",
            "/opt/a:b",
            "/opt/$x",
            3,
        ],
    ),
    "ssh.address": (
        ["local", "host", "host.example.com", "203.0.113.1", "2001:db8::1"],
        [
            "",
            "256.1.1.1",
            "1.2.3",
            "-host",
            "a..b",
            "a_b",
            "fe80::1%eth0",
            "fe80::1%$(id)",
            "user@host",
            "a b",
            1,
        ],
    ),
    "ssh.port": ([1, 22, 65535], [0, 65536, -1, "22", True, 22.0]),
    "ssh.user": (["deploy", "_x", "root", "a-1"], ["", "Deploy", "-a", "1a", "a b", "a" * 33, "a$"]),
    "ssh.gateway": (
        ["", "ops@bastion.example.com:22", "bastion", "ops@[2001:db8::1]:2222", "ops@203.0.113.1"],
        [
            "@host",
            "ops@",
            "ops@host:0",
            "ops@host:99999",
            "-o@host",
            "ops@-oProxyCommand=x",
            "a@b@c",
            "ops@host:x",
        ],
    ),
    "ssh.known_hosts": (
        ["known_hosts", "~/.ssh/known hosts", "/a/b"],
        ["", "-x", "~root/x", "$HOME/x", "a\nb", " a"],
    ),
    "site.domain": (
        ["example.com", "a.b.example.com", "xn--mnchen-3ya.de", "EXAMPLE.com"],
        [
            "example",
            "example.com.",
            ".example.com",
            "a..b",
            "a_b.com",
            "-a.com",
            "a-.com",
            "203.0.113.1",
            "münchen.de",
            "*.example.com",
            "https://example.com",
            "example.com:443",
            "",
            LONG_LABEL,
            LONG_DOMAIN,
            1,
        ],
    ),
    "site.email": (
        ["a@example.com", "a.b+c@example.com"],
        [
            "a",
            "a@b",
            "@example.com",
            "a b@example.com",
            "-a@example.com",
            "a..b@example.com",
            "a@example.com, b@example.com",
        ],
    ),
    "site.origins": (
        [["https://a.example.com"], ["http://localhost:3000"], ["https://[2001:db8::1]:8443"]],
        [
            ["*"],
            ["https://*.example.com"],
            ["https://a.example.com/"],
            ["a.example.com"],
            ["HTTPS://a.example.com"],
            ["https://A.example.com"],
            ["ftp://a.example.com"],
            ["null"],
            ["https://a:0"],
            "https://a.example.com",
        ],
    ),
    "site.nameservers": (
        [["192.0.2.53"], ["192.0.2.53:5353"], ["2001:db8::53"], ["[2001:db8::53]:53"]],
        [["dns.example.com"], ["192.0.2.53:"], ["192.0.2.53:0"], ["[192.0.2.53]"], [""]],
    ),
    "network.subnet": (
        ["172.30.77.0/24", "10.0.0.0/16", "192.168.1.16/28"],
        [
            "8.8.8.0/24",
            "172.30.77.1/24",
            "10.0.0.0/15",
            "10.0.0.0/29",
            "10.0.0.0",
            "fd00::/64",
            "10.0.0.0/255.255.0.0",
            "",
        ],
    ),
    "source.repository": (
        [
            "https://example.com/a.git",
            "http://127.0.0.1:8000/a",
            "git://host/a",
            "ssh://git@host:2222/a.git",
            "git@host:a/b.git",
            "git@host:~a/b",
            "file:///srv/a.git",
            "/srv/a.git",
        ],
        [
            "",
            "-x",
            "--upload-pack=x",
            "ext::sh -c id",
            "https://u:p@example.com/a",
            "https://u@example.com/a",
            "ssh://-oProxyCommand=x/a",
            "git@-host:a",
            "git@host:-a",
            "file://host/a",
            "/",
            "a/b",
            "https://host/a b",
            "ssh://git@host/a;b",
            "fd::17",
            "/srv/../a",
        ],
    ),
    "source.ref": (
        ["main", "v1.0", "feature/a-b", "fix/#12", "0123456789abcdef0123456789abcdef01234567"],
        [
            "",
            "-x",
            "--all",
            "a..b",
            "a//b",
            "/a",
            "a/",
            "a.lock",
            "a/.b",
            "a.",
            "@",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "a$b",
            "refs@{1}",
        ],
    ),
    "tls.mode": (["self-signed"], ["none", "", "Letsencrypt", True]),
    "tls.acme_server": (
        ["https://ca.example.com:14000/dir", "https://[2001:db8::1]/dir"],
        [
            "",
            "ca.example.com",
            "https://",
            "ftp://host/",
            "https://u:p@host/",
            "https://host/ a",
            "https://host/?a=b",
        ],
    ),
    "docker.insecure_registries": (
        [["host:5000"], ["10.0.0.0/8"]],
        [["http://host:5000"], ["10.0.0.1/8"], ["a/b"]],
    ),
    "backend.context": (
        [".", "core", "a/b-c"],
        ["", "..", "../x", "a/../b", "/a", "-a", "./a", "a/", "a b", "a//b"],
    ),
    "backend.target": (["", "secure"], ["-a", "a b", "a:b"]),
    "backend.command": ([[], ["sh", "-c", "echo $X; id"]], [[""], ["a\nb"], ["a\0"], "python x", [1]]),
    "backend.health_path": (
        ["/", "/health", "/api/v1/health", "/health/"],
        ["", "health", "/a b", "/a?b", "/a#b", "/a;b", "//a", "/a/../b", "/./a", "/%20", "/a$b", "/{a}"],
    ),
    "backend.data_dir": (
        ["/data", "/app/data"],
        ["", "/", "/etc", "/usr", "data", "/a b", "/a:b", "/a/../b"],
    ),
    "backend.replicas": ([1, 3], [0, -1, "1", True, 1.5]),
    "backend.overlap": ([True, False], ["true", 1]),
    "backend.memory": (["", "512M", "2G", "1.5g", "2gb"], ["0", "2", "-2G", "2 G", "2T", "G", "2G;"]),
    "backend.cpus": (["", "0.5", "2"], ["0", "0.0", "-1", "1.", "a", "1e3", 2]),
    "backend.build_args": (
        [{"A": "b c"}],
        [{"A B": "c"}, {"A": 1}, {"API_SECRET_KEY": "x"}, {"A": "b\nc"}, ["A=b"]],
    ),
    "wallet.api_url_variable": (["BIOMETRIC_API_URL"], ["", "1A", "A-B", "JWT_SECRET_KEY"]),
    "wallet.content_security_policy": (
        [
            "default-src 'self'",
            "default-src 'self'; connect-src 'self' {api} wss://*.example.com:*;",
            "sandbox",
        ],
        [
            "",
            ";",
            'default-src "self"',
            "a 'x'\n",
            "a $x",
            "a {x}",
            "a {api",
            "a \\x",
            "A 'self'",
            "a é",
            "img-src a; img-src b",
            "add_header X {api};}",
        ],
    ),
    "nginx.image": (
        ["nginx:alpine", "nginx", "registry.example.com:5000/a/b:1.2", f"nginx@sha256:{'0' * 64}"],
        ["", "Nginx", "nginx:", "nginx latest", "-nginx", "nginx@sha256:1", "nginx:$TAG", "a//b"],
    ),
    "nginx.rate_limit": (["10r/s", "300r/m", "off"], ["", "0r/s", "10", "10r/h", "10r/s;", "r/s", "１r/s"]),
    "nginx.rate_burst": ([0, 20], [-1, "20"]),
    "firewall.allow": (
        [["22"], ["51820/udp"], ["6000:6010/tcp"]],
        [
            ["0"],
            ["65536"],
            ["22/"],
            ["22/icmp"],
            ["6000:6010"],
            ["6010:6000/tcp"],
            [":22/tcp"],
            ["ssh"],
            [22],
            "22",
        ],
    ),
    "backup.directory": (
        ["/backups", "/srv/b", "/mnt/disk/b"],
        ["/", "/mnt", "/var/log", "/etc/b", "b", "/b ", "/tmp/b"],
    ),
    "backup.schedule": (
        ["0 2 * * *", "*/5 0-6/2 1,15 jan-mar sun", "0 0 * * 7"],
        [
            "",
            "@daily",
            "0 2 * *",
            "0 2 * * * *",
            "60 2 * * *",
            "0 24 * * *",
            "0 2 0 * *",
            "0 2 * 13 *",
            "0 2 * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "5/2 * * * *",
            "0  2 * * *",
            "0 2 * * %",
            "0 2 * * *\n",
            "0 2 * * foo",
            ", * * * *",
        ],
    ),
    "backup.keep_days": ([1, 30], [0, "30"]),
    "backup.check": ([[], ["python", "/app/check.py"]], ["python check.py", [""], [["a"]]]),
    "postgres.image": (["postgres:15", "registry.example.com/postgres:16.1"], ["", "Postgres", "a b"]),
    "postgres.database": (
        ["biometric_did", "_a", "a1", "a" * 63],
        ["", "A", "1a", "a-b", "a b", "a" * 64, "template1", 'a"', "a;b", "a$b", "é"],
    ),
    "postgres.user": (["app_user", "postgres"], ["", "pg_me", "App", "a'b", "a\n"]),
    "hooks.before_switch": ([[], ["python", "migrate.py"]], ["python migrate.py", [""], [["a"]]]),
    "environment": (
        [
            {"CARDANO_NETWORK": "mainnet"},
            {"A": "$x # 'y' \"z\" \t é"},
            {"CORS_ORIGINS": "https://a.example.com"},
            {"A": ""},
        ],
        [
            {"API_SECRET_KEY": "x"},
            {"jwt_secret_key": "x"},
            {"MY_SECRET_KEY": "x"},
            {"DB_PASSWORD": "x"},
            {"POSTGRES_PASSWORD": "x"},
            {"stripe_token": "x"},
            {"KEYCLOAK_URL": "x"},
            {"DATABASE_URL": "x"},
            {"A": 24},
            {"A": True},
            {"A": "b\nc"},
            {"A": "b\0"},
            {"1A": "x"},
            {"A-B": "x"},
            {"": "x"},
            {"CORS_ORIGINS": "*"},
            {"CORS_ORIGINS": "https://a.example.com,*"},
        ],
    ),
}

RIGHT = [(key, value) for key, (right, _) in CASES.items() for value in right]
WRONG = [(key, value) for key, (_, wrong) in CASES.items() for value in wrong]


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_right(key: str, value: object) -> None:
    """It is accepted as it stands (domains in lower case)."""
    found = look_up(inventory(key, value), key)
    as_given = list(found) if isinstance(found, tuple) else found
    same_type = str(as_given) if isinstance(value, str) else as_given
    assert same_type == (value.lower() if key == "site.domain" and isinstance(value, str) else value)


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_wrong(key: str, value: object) -> None:
    """It is refused, in one line, by the key's name."""
    with pytest.raises(InventoryError) as caught:
        inventory(key, value)
    (line,) = caught.value.what.splitlines()
    assert line.startswith(f"inventory/prod.toml: {key}")


def test_offsite_kinds() -> None:
    """Restic's own spellings; passwords never."""
    for value in (
        "sftp:user@host:/path",
        "rest:https://host:8000/",
        "s3:https://host/bucket",
        "b2:bucket:path",
        "/mnt/x",
    ):
        with pytest.raises(InventoryError, match="RESTIC_PASSWORD is missing"):
            inventory("backup.offsite", value)
    for value in ("rest:https://u:p@host/", "-x", "x:y", "sftp:a b", "/", "sftp:", "s3:$x"):
        with pytest.raises(InventoryError, match="a restic repository is"):
            inventory("backup.offsite", value)


def test_other_scripts_are_told_their_form_in_dns() -> None:
    """The operator can copy it."""
    with pytest.raises(InventoryError, match=r'in DNS this name is "xn--mnchen-3ya\.de"'):
        inventory("site.domain", "münchen.de")


def test_secrets_are_sent_to_their_file() -> None:
    """The message says where, and does not repeat the value."""
    with pytest.raises(InventoryError, match=r"this is a secret: move it to NAME\.env") as caught:
        inventory("environment", {"API_SECRET_KEY": "hunter2"})
    assert "hunter2" not in caught.value.what
