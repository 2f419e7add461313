"""A server as vendors hand it out becomes one that the tool can log in to, and nobody is ever locked out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.host import TestHost
from testbed.origin import Repository
from testbed.variants import Variant
from tests.host.conftest import Boot
from tests.support.tool import Deployment, deployment

pytestmark = pytest.mark.in_turn

PASSWORD = "one-Time-4711"
NEW_PASSWORD = "kept-By-Me-0815-x"
ROOT_ONLY = Variant(user="")
STEPS = ("sudo", "account", "root_login")

Server = Callable[..., Deployment]


@pytest.fixture
def server(boot: Boot, bed: Bed, repository: Repository, tmp_path: Path) -> Server:
    """Boot a kind of server, with an inventory whose user is `deploy` and the operator's environment."""

    def start(variant: Variant, **environ: str) -> Deployment:
        host = boot(variant=variant)
        made = deployment(tmp_path / "inventory", host, bed, repository, ssh=_ssh(host))
        return replace(made, environ=environ)

    return start


def _ssh(host: TestHost) -> str:
    return f'address = "{host.address}"\nport = {host.port}\nuser = "deploy"\nidentity_file = "{host.identity_file}"'


def logs_in(deployed: Deployment, user: str, command: str = "true") -> bool:
    """Whether the operator's key lets that user in."""
    host = deployed.host
    as_user = TestHost(host.id, host.name, replace(host.variant, user=user))
    return as_user.ssh(command, check=False).returncode == 0


def is_ready(deployed: Deployment) -> bool:
    """The user has sudo, and nobody logs in as root or by a password."""
    closed = deployed.host.exec(
        "sshd -T | grep -cE '^(permitrootlogin|passwordauthentication|kbdinteractiveauthentication) no$'"
    )
    return (
        logs_in(deployed, "deploy", "sudo -n true") and not logs_in(deployed, "root") and closed.stdout.strip() == "3"
    )


def test_root_with_a_key(server: Server) -> None:
    """The user is made, root is closed, a second run has nothing to do."""
    deployed = server(ROOT_ONLY)
    first = deployed.ok("bootstrap")
    assert first.recap["changed"] == 2
    assert is_ready(deployed)
    second = deployed.ok("bootstrap")
    assert [second.steps[step]["verdict"] for step in STEPS] == ["unchanged"] * 3
    assert deployed.run("bootstrap", "--dry-run", "--detailed-exitcode").exit_code == 0
    assert not deployed.host.exec("ls /etc/ssh/*.before-deployer /etc/ssh/*/*.before-deployer", check=False).stdout


def test_a_dry_run_writes_nothing(server: Server) -> None:
    """What would be done is said, and the host stays as it was."""
    deployed = server(ROOT_ONLY)
    outcome = deployed.json("bootstrap", "--dry-run", "--detailed-exitcode")
    assert outcome.exit_code == 10
    assert deployed.host.exec("getent passwd deploy; ls /etc/sudoers.d | grep deploy", check=False).stdout == ""
    assert logs_in(deployed, "root")


def test_a_password_is_enough(server: Server) -> None:
    """Vendors that know no keys: the password is given once, and counts for nothing afterwards."""
    deployed = server(replace(ROOT_ONLY, root_password=PASSWORD), DEPLOYER_LOGIN_PASSWORD=PASSWORD)
    assert PASSWORD not in (outcome := deployed.ok("bootstrap")).out + outcome.err
    assert is_ready(deployed)


def test_without_key_and_password_the_remedy_names_the_password(server: Server) -> None:
    """Nothing accepted: what to give is said, and nothing hangs."""
    outcome = server(replace(ROOT_ONLY, root_password=PASSWORD)).run("bootstrap")
    assert outcome.exit_code == 3
    assert "DEPLOYER_LOGIN_PASSWORD" in outcome.err


def test_an_expired_password_is_changed(server: Server) -> None:
    """sshd lets nobody do anything before that; the operator says what to change it to."""
    variant = replace(ROOT_ONLY, root_password=PASSWORD, root_password_expired=True)
    deployed = server(variant, DEPLOYER_LOGIN_PASSWORD=PASSWORD, DEPLOYER_NEW_PASSWORD=NEW_PASSWORD)
    outcome = deployed.ok("bootstrap")
    assert is_ready(deployed)
    assert NEW_PASSWORD not in outcome.out + outcome.err


def test_an_expired_password_without_a_new_one_is_refused(server: Server) -> None:
    """A made-up password would be lost: the operator is asked for one, or told how to give it."""
    variant = replace(ROOT_ONLY, root_password=PASSWORD, root_password_expired=True)
    outcome = server(variant, DEPLOYER_LOGIN_PASSWORD=PASSWORD).run("bootstrap")
    assert outcome.exit_code == 2
    assert "DEPLOYER_NEW_PASSWORD" in outcome.err


def test_a_vendors_user(server: Server) -> None:
    """--as names who can log in so far."""
    deployed = server(Variant(user="ubuntu"))
    deployed.ok("bootstrap", "--as", "ubuntu")
    assert is_ready(deployed)


def test_sudo_is_installed_where_it_is_missing(server: Server) -> None:
    """Minimal images have none."""
    deployed = server(ROOT_ONLY)
    deployed.host.exec("SUDO_FORCE_REMOVE=yes apt-get purge -y -q sudo")
    deployed.ok("bootstrap")
    assert is_ready(deployed)


def test_a_refused_new_login_leaves_root_open(server: Server) -> None:
    """The proof comes before anything is closed."""
    deployed = server(ROOT_ONLY)
    deployed.host.write("/etc/ssh/sshd_config.d/20-vendor.conf", "AllowUsers root\n")
    deployed.host.exec("systemctl reload ssh")
    assert deployed.json("bootstrap").exit_code == 3
    assert logs_in(deployed, "root")
    assert not deployed.host.exec("ls /etc/ssh/sshd_config.d/00-deployer.conf", check=False).stdout


def test_a_setting_before_the_include_does_not_win(server: Server) -> None:
    """sshd takes the first value: our file is put before a vendor's line in sshd_config."""
    deployed = server(ROOT_ONLY)
    deployed.host.exec("sed -i '1i PermitRootLogin yes' /etc/ssh/sshd_config && systemctl reload ssh")
    deployed.ok("bootstrap")
    assert is_ready(deployed)
    assert deployed.ok("bootstrap").recap["changed"] == 0


def test_sshd_that_is_started_by_its_socket(server: Server) -> None:
    """As on Ubuntu: there may be no daemon to reload."""
    deployed = server(replace(ROOT_ONLY, ssh_socket=True, ssh_port=2222))
    deployed.ok("bootstrap")
    assert is_ready(deployed)


def test_what_is_closed_opens_again_when_the_last_proof_fails(server: Server) -> None:
    """The user's login breaks in mid-run: root's is opened at once, by the run itself."""
    deployed = server(ROOT_ONLY)
    deployed.host.write("/etc/ssh/sshd_config.d/20-vendor.conf", "AuthorizedKeysFile .ssh/authorized_keys\n")
    trap = "printf 'DenyUsers deploy\\n' >/etc/ssh/sshd_config.d/21-trap.conf"
    hook = trap.replace("\\", "\\\\")
    override = f'[Service]\nExecReload=\nExecReload=/bin/bash -c "{hook}; kill -HUP $MAINPID"\n'
    deployed.host.write("/etc/systemd/system/ssh.service.d/trap.conf", override)
    deployed.host.exec("systemctl daemon-reload")
    outcome = deployed.json("bootstrap")
    assert outcome.exit_code == 3
    assert logs_in(deployed, "root")
    assert deployed.host.exec("systemctl list-timers --all | grep -c root-login", check=False).stdout.strip() == "0"


def test_provision_says_that_bootstrap_is_missing(server: Server) -> None:
    """Where only root can log in the remedy is the command that mends it."""
    outcome = server(ROOT_ONLY).run("provision", "--dry-run")
    assert outcome.exit_code == 3
    assert "deployer bootstrap --host web" in outcome.err
