"""What `status` asks a host, in one round trip."""

from collections.abc import Mapping

from deployer.engine.facts import Ask
from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.resources.docker import ask_docker
from deployer.site import compose
from deployer.site.compose import BACKEND, WALLET
from deployer.site.maintenance import ask_switch
from deployer.status.last_backup import ask as ask_backup
from deployer.text.shell import quote


def questions(host: Inventory) -> Mapping[str, Ask]:
    """Questions by name; each may fail on its own, and then the state lists it as unknown."""
    audit = quote(host.paths.audit)
    return {
        "now": Ask("date +%s"),
        "containers": ask_docker(script("status/scripts/show_containers.sh", NAME=host.name)),
        "certificate": Ask(script("certificates/scripts/show_issued.sh", FILE=str(host.paths.certificate))),
        "releases": ask_docker(_images(host)),
        "disk": Ask(f"df -P -B1 {quote(host.root)} 2>/dev/null || df -P -B1 /"),
        "memory": Ask(
            "sed -n 's/^\\(MemTotal\\|MemAvailable\\|SwapTotal\\|SwapFree\\): *\\([0-9]*\\) kB/\\1=\\2/p' /proc/meminfo"
        ),
        "load": Ask('read -r load _ </proc/loadavg; echo "$load on $(nproc) CPUs"'),
        "firewall": Ask("iptables -S ufw-user-input 2>/dev/null | grep -c . || true"),
        "last run": Ask(f"[ ! -e {audit} ] || tail -n 1 {audit}"),
        "last backup": ask_backup(host),
        "last drill": Ask(f"tail -n 3 {quote(host.paths.drill_log)} 2>/dev/null || true"),
        "lock": Ask(_lock(host)),
        "maintenance": ask_switch(host),
    }


def _images(host: Inventory) -> str:
    names = ((service, quote(f"{compose.image(host, service)}:current")) for service in (BACKEND, WALLET))
    inspect = "docker image inspect --format '{{json .RepoTags}}'"
    shown = (f"echo {service} $({inspect} {name} 2>/dev/null)" for service, name in names)
    return "\n".join(("docker version >/dev/null || exit 3", *shown))


def _lock(host: Inventory) -> str:
    """Who has the lock's file open holds the lock or waits for it.

    The lock is not tried: even for a moment it could keep out a run that wants it just then. /proc/locks would omit a
    lock whose first owner has ended.
    """
    lock = f"/run/deployer/{host.name}.lock"
    return (
        f"[ -e {quote(lock)} ] || exit 0\n"
        f"found=$(find /proc/[0-9]*/fd -lname {quote(lock)} -print -quit 2>/dev/null || true)\n"
        f"[ -z \"$found\" ] || sed -n 2p {quote(lock + '.holder')} 2>/dev/null | grep . || echo '{{}}'"
    )
