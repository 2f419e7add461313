"""The bash functions that obtain, renew and install certificates; cron and `deployer renew` run the same."""

from deployer.engine.program import script
from deployer.inventory.model import Inventory
from deployer.resources.cron import cron_program
from deployer.site.scripts.proxy import proxy_functions
from deployer.text.shell import lines


def certificate_functions(host: Inventory) -> str:
    """`install_certificate`, `make_self_signed`, `obtain`, `renew`, and the functions that they call."""
    renew = script(
        "certificates/scripts/renew.sh",
        ROOT=str(host.root),
        DOMAIN=host.site.domain,
        NAMES=",".join(host.names),
        MODE=host.tls.mode,
        SERVER=host.tls.acme_server,
        EMAIL=host.site.email,
        CA=str(host.paths.state / "tls" / "acme-ca.pem") if host.tls.acme_ca else "",
    )
    return lines(proxy_functions(host), script("certificates/scripts/certificate.sh"), renew)


def renew_program(host: Inventory) -> str:
    """The program that cron runs."""
    return cron_program(host, "renew", certificate_functions(host), "take_lock", 'with_times renew "${1:-}"')
