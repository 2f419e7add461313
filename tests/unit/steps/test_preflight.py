"""Prerequisites: each check as a pass, as a note, and as a stop with its remedy."""

import pytest

from deployer.engine.changes import Note, Stop
from deployer.engine.facts import Answer
from deployer.inventory.model import Inventory
from deployer.steps import preflight
from tests.support.fakes import SILENT, inventory, planned

from .hosts import DEBIAN, UBUNTU, converged, listening

GIB = 1024 * 1024
LETSENCRYPT = inventory()
SELF_SIGNED = inventory(tls={"mode": "self-signed"})


def notes(host: Inventory = LETSENCRYPT, **differing: Answer | str) -> list[str]:
    """What is noted on a host that is as the guide asks, but for some answers."""
    answers: dict[str, Answer | str] = {**converged(preflight, host), **_named(differing)}
    found = planned(preflight, host, answers)
    return [note.text for note in found if isinstance(note, Note)]


def problems(host: Inventory = LETSENCRYPT, **differing: Answer | str) -> tuple[Note, ...]:
    with pytest.raises(Stop) as caught:
        notes(host, **differing)
    return caught.value.problems


def stops(host: Inventory = LETSENCRYPT, **differing: Answer | str) -> list[str]:
    return [problem.text for problem in problems(host, **differing)]


def _named(differing: dict[str, Answer | str]) -> dict[str, Answer | str]:
    names = {"domain": "name example.com", "api": "name api.example.com", "cloud_init": "cloud-init"}
    return {names.get(key, key): answer for key, answer in differing.items()}


def release(name: str, version: str, pretty: str) -> str:
    return f'PRETTY_NAME="{pretty}"\nID={name}\nVERSION_ID="{version}"\n'


class TestSystem:
    @pytest.mark.parametrize(
        "told",
        [
            release("ubuntu", "22.04", "Ubuntu 22.04.5 LTS"),
            UBUNTU,
            release("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
            DEBIAN,
        ],
    )
    def test_supported(self, told: str) -> None:
        """What is tested passes without a word."""
        assert notes(os=told) == []

    @pytest.mark.parametrize(
        ("told", "name"),
        [
            (release("debian", "11", "Debian GNU/Linux 11 (bullseye)"), "Debian GNU/Linux 11 (bullseye)"),
            ('NAME="CentOS Linux"\nID="centos"\nVERSION_ID="8"\nPRETTY_NAME="CentOS Linux 8"\n', "CentOS Linux 8"),
            (release("ubuntu", "20.04", "Ubuntu 20.04.6 LTS"), "Ubuntu 20.04.6 LTS"),
            (release("ubuntu", "25.10", "Ubuntu 25.10"), "Ubuntu 25.10"),
            ("ID=alpine\nVERSION_ID=3.22.1\n", "alpine 3.22.1"),
            ("ID=arch\n", "arch unknown"),
            ("", "unknown unknown"),
        ],
    )
    def test_refused_by_name(self, told: str, name: str) -> None:
        """Everything else is refused, by the name it gives itself, with what is supported."""
        (problem,) = problems(os=told)
        assert problem.text == f"{name} is not supported"
        assert "Debian 12 or Debian 13" in problem.remedy

    @pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
    def test_architecture(self, machine: str) -> None:
        """Docker's packages are there for both."""
        assert notes(architecture=machine) == []

    @pytest.mark.parametrize("machine", ["i686", "armv7l", "riscv64"])
    def test_other_architecture(self, machine: str) -> None:
        """Any other is refused."""
        assert stops(architecture=machine) == [f"the architecture {machine} is not supported"]

    def test_no_systemd(self) -> None:
        """An application container is no server."""
        assert stops(systemd="") == ["systemd is not running on this host"]


class TestRoom:
    def test_memory(self) -> None:
        """Less than the guide's 4 GB is a note: the build may not fit. A vendor's 4 GB are a little less."""
        assert notes(memory=str(int(3.8 * GIB))) == []
        assert notes(memory=str(2 * GIB)) == ["the host has 2.0 GiB of memory; the guide requires 4"]

    def test_processors(self) -> None:
        """One processor is a note."""
        assert notes(processors="2") == []
        assert notes(processors="1") == ["the host has one processor; the guide requires 2"]

    def test_small_disk(self) -> None:
        """Less than 20 GB in all is a note, once for each file system."""
        line = f"/dev/vda1 {10 * GIB} {GIB} {9 * GIB} 10% /\n"
        assert notes(disk=line + line) == ["/ has 10 GiB in all; the guide requires 20"]

    def test_full_disk(self) -> None:
        """Too little free is a stop that names the file system."""
        (problem,) = problems(disk=f"/dev/vda1 {50 * GIB} {49 * GIB} {GIB} 98% /\n")
        assert problem.text == "/ has only 1024 MiB free; at least 2048 MiB are required"
        assert "free space on /" in problem.remedy

    def test_root_directory_on_a_disk_of_its_own(self) -> None:
        """The file system of the root directory is looked at too, also with a space in its name."""
        lines = f"/dev/vda1 {50 * GIB} {GIB} {49 * GIB} 2% /\n/dev/vdb {50 * GIB} {50 * GIB} 0 100% /srv/my disk\n"
        assert stops(disk=lines) == ["/srv/my disk has only 0 MiB free; at least 2048 MiB are required"]


class TestBusy:
    def test_clock(self) -> None:
        """Any of the time services will do; without one there is a note."""
        assert notes(LETSENCRYPT, **{"clock chrony": "inactive", "clock ntpsec": "active"}) == []
        (note,) = notes(LETSENCRYPT, **{"clock chrony": "inactive"})
        assert note == "the clock is not synchronised, and certificates depend on it"

    def test_apt(self) -> None:
        """Another apt is waited for, and that is said beforehand with its name."""
        assert notes(apt="812 unattended-upgr") == [
            "apt is in use (process 812 unattended-upgr): installing packages will wait up to 10 minutes for it"
        ]

    def test_cloud_init(self) -> None:
        """So is a first boot that is not over."""
        assert notes(cloud_init="running") == [
            "cloud-init is still running: installing packages will wait up to 10 minutes for it"
        ]


class TestPorts:
    def test_free(self) -> None:
        """Nobody listens: fine."""
        assert notes(listeners="", publishers="") == []

    def test_ours(self) -> None:
        """Our own proxy listens: fine (that is what a converged host answers)."""
        assert notes() == []

    def test_taken(self) -> None:
        """A web server of the distribution is named, with how to stop it."""
        (problem,) = problems(listeners=listening(80, "apache2"), publishers="")
        assert problem.text == "port 80 is in use by apache2"
        assert "systemctl disable --now" in problem.remedy

    def test_both_taken_on_ipv6(self) -> None:
        """Each port is named, on whatever address."""
        lines = listening(80, "nginx").replace("0.0.0.0:80", "[::]:80") + listening(443, "nginx")
        assert stops(listeners=lines, publishers="") == ["port 80 is in use by nginx", "port 443 is in use by nginx"]

    def test_taken_by_another_container(self) -> None:
        """Another application's container on our port is no reason to think it is ours."""
        told = "other 0.0.0.0:80->80/tcp\nbiometric-did 0.0.0.0:443->443/tcp\n"
        assert stops(publishers=told) == ["port 80 is in use by docker-proxy"]

    def test_taken_by_nobody_known(self) -> None:
        """Without a process (a kernel's socket) it is still said."""
        line = "LISTEN 0 4096 0.0.0.0:80 0.0.0.0:*\n"
        assert stops(listeners=line, publishers="") == ["port 80 is in use by another process"]


class TestNames:
    def test_do_not_resolve(self) -> None:
        """A name without an address is a stop before the CA is asked, with the record to be made."""
        (problem,) = problems(api=Answer("", 1, "NXDOMAIN"))
        assert problem.text == "api.example.com does not resolve: NXDOMAIN"
        assert problem.remedy == "add an A record for api.example.com that points to this host"

    def test_elsewhere(self) -> None:
        """A name of another server is a stop that says both addresses."""
        (problem,) = problems(domain="198.51.100.7")
        assert problem.text.startswith("example.com resolves to 198.51.100.7, which is not this host (")
        assert "203.0.113.10" in problem.text

    def test_one_address_of_several(self) -> None:
        """Let's Encrypt may take either: the wrong one is a stop."""
        assert len(stops(domain="203.0.113.10\n198.51.100.7")) == 1

    def test_ipv6(self) -> None:
        """An AAAA record would be tried first, and is not served: a stop, even when it is this host's."""
        (problem,) = problems(domain="203.0.113.10\n2001:db8::10")
        assert problem.text == "example.com has the IPv6 address 2001:db8::10, but this host does not serve IPv6"
        assert problem.remedy.startswith("remove the AAAA record of example.com")

    def test_behind_nat(self) -> None:
        """The host knows only a private address; visitors come to the one it is reached at by SSH."""
        assert notes(addresses="10.0.0.5/24") == []

    def test_behind_nat_and_a_gateway(self) -> None:
        """Reached at a private address, visited at site.address."""
        site = {"domain": "example.com", "email": "a@example.com", "address": "203.0.113.10"}
        host = inventory(ssh={"address": "10.0.0.5", "gateway": "ops@bastion.example.com"}, site=site)
        answers = {"addresses": "10.0.0.5/24", "name 10.0.0.5": "10.0.0.5"}
        assert planned(preflight, host, {**converged(preflight, host), **answers}) == ()

    def test_ssh_address_is_a_name(self) -> None:
        """The address is looked up; one that is only in ~/.ssh/config is no reason to stop by itself."""
        host = inventory(ssh={"address": "web"})
        assert planned(preflight, host, {**converged(preflight, host), "name web": "203.0.113.10"}) == ()
        assert planned(preflight, host, {**converged(preflight, host), "name web": SILENT}) == ()

    def test_without_a_ca(self) -> None:
        """With a self-signed certificate nobody comes to check: wrong names are notes."""
        assert len(notes(SELF_SIGNED, domain="198.51.100.7", api=Answer("", 1, "NXDOMAIN"))) == 2


def test_all_at_once() -> None:
    """Whatever stands in the way is told in one go."""
    found = stops(
        os=release("debian", "11", "Debian 11"),
        architecture="i686",
        listeners=listening(80, "apache2"),
        publishers="",
        domain=Answer("", 1, "NXDOMAIN"),
    )
    assert len(found) == 4
