"""A server that is reached only through another one: a gateway (bastion) and an inner host behind it."""

from dataclasses import dataclass

from testbed.host import TestHost
from testbed.images import ensure_image
from testbed.shell import docker

_RULES = """\
nft -f - <<'END'
table inet testbed
delete table inet testbed
table inet testbed {
    chain outside {
        type filter hook input priority -400; policy accept;
        tcp flags syn / fin,syn,rst,ack ip saddr != %s drop
    }
}
END
"""


@dataclass(frozen=True)
class Pair:
    """Both hosts; `inner` answers nobody but the gateway."""

    gateway: TestHost
    inner: TestHost

    def reboot_inner(self) -> None:
        """Reboot the inner host and close it again."""
        self.inner.reboot()
        isolate(self.inner, self.gateway)

    def destroy(self) -> None:
        """Remove both."""
        self.inner.destroy()
        self.gateway.destroy()


def isolate(inner: TestHost, gateway: TestHost) -> None:
    """Let the inner host accept new connections from the gateway only (until it reboots).

    The rules are put into its network from a container beside it: the host itself needs no firewall for it,
    and its own ufw and Docker do not touch them.
    """
    within = ("--rm", "--cap-add=NET_ADMIN", f"--network=container:{inner.id}")
    docker("run", *within, ensure_image("services"), "sh", "-euc", _RULES % gateway.address)
