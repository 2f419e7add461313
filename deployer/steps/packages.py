"""3.1 Install Docker, first half: the distribution's packages that the guide and this tool need."""

from deployer.engine.changes import Script
from deployer.engine.facts import Facts, Probes
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.packages import APT, ask_packages, install

TITLE = "3.1 Packages"


def wanted(host: Inventory) -> tuple[str, ...]:
    certbot = ("certbot",) if host.tls.mode == "letsencrypt" else ()
    return (
        "ca-certificates",
        "cron",
        "curl",
        "git",
        "iproute2",
        "logrotate",
        "openssl",
        "python3",
        "ufw",
        "zstd",
        *certbot,
        *_offsite(host.backup.offsite),
    )


def _offsite(repository: str) -> tuple[str, ...]:
    """restic, and the program by which it reaches this kind of repository."""
    reached_by = {"sftp": ("openssh-client",), "rclone": ("rclone",)}
    return ("restic", *reached_by.get(repository.partition(":")[0], ())) if repository else ()


def probes(host: Inventory) -> Probes:
    return ask_packages(wanted(host))


def plan(host: Inventory, facts: Facts) -> Plan:
    if facts["half"]:
        broken = ", ".join(line[3:] if line[2:3] == " " else line for line in facts.lines("half")[:5])
        yield Script(f"repair packages after an interrupted installation ({broken})", repair(), within=1800)
    missing = tuple(name for name in wanted(host) if name not in facts.lines("installed"))
    if missing:
        yield install(missing)


# dpkg does not wait for its lock, as apt-get does; /proc/locks identifies a locked file by its inode.
_AWAIT_LOCK = """\
locked() { grep -q "POSIX .*:$(stat -c %i /var/lib/dpkg/lock-frontend) " /proc/locks; }
if locked; then echo "waiting up to 10 minutes for another apt process"; fi
while [ "$SECONDS" -lt 600 ] && locked; do sleep 1; done"""


def repair() -> str:
    return f"{_AWAIT_LOCK}\ndpkg --force-confdef --force-confold --configure -a\n{APT} install -f -y"
