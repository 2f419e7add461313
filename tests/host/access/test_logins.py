"""However one gets in: sudo with a password, root, an odd login shell, a gateway; each carries a provision."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from testbed.bed import Bed
from testbed.gateway import Pair, isolate
from testbed.host import TestHost
from testbed.origin import Repository
from testbed.reach import is_open
from tests.support.tool import Deployment, booted, deployment

pytestmark = pytest.mark.in_turn

ROOT = "/opt/biometric-did"
PASSWORD = "it's a $ecret \\ 4711"
ODD_RC = "echo 'welcome, it is \"today\"'\necho 'to stderr' >&2\n"


@dataclass(frozen=True)
class Login:
    """How somebody gets in: `shell` is the login shell, `password` what sudo wants."""

    user: str = "deploy"
    shell: str = "/bin/bash"
    password: str = ""
    chatty: str = ""


LOGINS = {
    "root": Login(user="root"),
    "root with fish": Login(user="root", shell="/usr/bin/fish"),
    "sudo with a password": Login(password=PASSWORD),
    "dash": Login(shell="/bin/sh"),
    "zsh": Login(shell="/usr/bin/zsh"),
    "zsh, and sudo with a password": Login(shell="/usr/bin/zsh", password=PASSWORD),
    "tcsh": Login(shell="/bin/tcsh"),
    "tcsh, and sudo with a password": Login(shell="/bin/tcsh", password=PASSWORD),
    "fish": Login(shell="/usr/bin/fish"),
    "restricted bash": Login(shell="/bin/rbash"),
    "bash that greets": Login(chatty=".bashrc"),
    "tcsh that greets": Login(shell="/bin/tcsh", chatty=".tcshrc"),
}


@pytest.fixture(scope="module")
def house(bed: Bed, provisioned_snapshot: str) -> Iterator[TestHost]:
    """A provisioned host with every shell, and root's door open for the key."""
    with booted(bed, "house", from_snapshot=provisioned_snapshot) as host:
        host.exec("apt-get install -y -q --no-install-recommends fish tcsh zsh", seconds=120)
        host.exec("install -d -m 700 /root/.ssh && cp /home/deploy/.ssh/authorized_keys /root/.ssh/")
        yield host


@pytest.mark.full(share=1 / 3)
@pytest.mark.parametrize("name", LOGINS)
def test_a_login_carries_a_job_with_files(
    house: TestHost, bed: Bed, repository: Repository, tmp_path: Path, name: str
) -> None:
    """What is broken is mended through that login, files and commands both, and then there is nothing to do."""
    login = LOGINS[name]
    prepare(house, login)
    host = replace(house, variant=replace(house.variant, user=login.user))
    environ = {"DEPLOYER_SUDO_PASSWORD": login.password} if login.password else {}
    deployed = replace(deployment(tmp_path / "inventory", host, bed, repository), environ=environ)
    breaks_and_mends(deployed)


def prepare(house: TestHost, login: Login) -> None:
    """Give the account that shell, that right and that greeting."""
    right = "ALL" if login.password else "NOPASSWD: ALL"
    home = "/root" if login.user == "root" else f"/home/{login.user}"
    house.exec(
        f"usermod --shell {login.shell} {login.user}; rm -f /home/*/.tcshrc; cp /etc/skel/.bashrc /home/deploy/; "
        f"echo 'deploy ALL=(ALL:ALL) {right}' >/etc/sudoers.d/90-vendor; rm -rf /run/sudo/ts"
    )
    if login.password:
        house.exec("chpasswd", stdin=f"deploy:{login.password}\n".encode())
    if login.chatty:
        greeting = house.exec(f"cat {home}/{login.chatty} 2>/dev/null || true").stdout
        house.write(f"{home}/{login.chatty}", ODD_RC + greeting)


def breaks_and_mends(deployed: Deployment) -> None:
    """A file of the proxy's and one of cron's, and the mode of a directory: three sections with files and commands."""
    deployed.host.exec(
        f"rm -f /etc/cron.d/biometric-did; chmod 700 {ROOT}/nginx/conf.d; echo '# x' >>{ROOT}/nginx/nginx.conf"
    )
    done = deployed.ok("provision", "--no-verify")
    changed = [step for step, event in done.steps.items() if event["verdict"] == "changed"]
    assert changed == ["directories", "nginx", "schedules"]
    assert deployed.ok("provision", "--no-verify").recap["changed"] == 0


def test_a_new_site_with_fish_and_a_sudo_password(
    bed: Bed, repository: Repository, half_way: str, tmp_path: Path
) -> None:
    """From packages and Docker to a verified site through fish and `sudo -S`."""
    with booted(bed, "fishy", from_snapshot=half_way) as host:
        host.exec("apt-get install -y -q --no-install-recommends fish", seconds=120)
        prepare(host, Login(shell="/usr/bin/fish", password=PASSWORD))
        deployed = replace(
            deployment(tmp_path / "inventory", host, bed, repository), environ={"DEPLOYER_SUDO_PASSWORD": PASSWORD}
        )
        done = deployed.ok("provision")
        assert done.steps["verify"]["verdict"] == "unchanged"
        assert PASSWORD not in done.out + done.err
        assert deployed.ok("provision").recap["changed"] == 0


@pytest.fixture(scope="module")
def pair(bed: Bed, provisioned_snapshot: str) -> Iterator[Pair]:
    """A provisioned host that only its gateway reaches."""
    with booted(bed, "inner", from_snapshot=provisioned_snapshot) as inner, booted(bed, "bastion") as bastion:
        isolate(inner, bastion)
        yield Pair(bastion, inner)


def test_a_host_behind_a_gateway(pair: Pair, bed: Bed, repository: Repository, tmp_path: Path) -> None:
    """Nobody but the gateway reaches the host: the run goes through it, and both keys are checked."""
    inner, gateway = pair.inner, pair.gateway
    deployed = deployment(
        tmp_path / "inventory",
        inner,
        bed,
        repository,
        ssh=f'address = "{inner.address}"\nuser = "deploy"\nidentity_file = "{inner.identity_file}"\n'
        f'gateway = "deploy@{gateway.address}:22"',
    )
    unknown = deployed.json("provision", "--no-verify")
    assert unknown.exit_code == 3
    assert "the gateway" in unknown.out
    assert not is_open(inner.address, inner.port)
    (deployed.inventory / "known_hosts").write_text(inner.known_hosts_line + gateway.known_hosts_line)
    breaks_and_mends(deployed)
