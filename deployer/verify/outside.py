"""An inventory's site from outside: what `verify` checks, and what a roll-out compares before and after."""

from collections.abc import Mapping

from deployer.inventory.model import Inventory
from deployer.text.shell import sh
from deployer.transport.protocol import Transport
from deployer.verify.findings import Findings
from deployer.verify.target import Site


def check_site(host: Inventory, transport: Transport) -> Findings:
    """All checks of the host's site."""
    from deployer.verify.verify import verify  # TLS, HTTP and DNS libraries: a run that does not verify has no need

    return verify(site_of(host, transport))


def faults(host: Inventory, transport: Transport) -> Mapping[str, str]:
    """What is wrong with the site now: the evidence by the name of the finding."""
    return {found.name: found.evidence for found in check_site(host, transport) if found.verdict == "fail"}


def site_of(host: Inventory, transport: Transport) -> Site:
    """The site to check. Only a self-signed certificate has to be fetched from the host, to be pinned."""
    return Site(
        domain=host.site.domain,
        api_domain=host.site.api_domain,
        aliases=host.site.aliases,
        address=host.public_address,
        health_path=host.backend.health_path,
        mode=host.tls.mode,
        content_security_policy=host.content_security_policy,
        trusted_pem=_trusted(host, transport),
        nameservers=host.site.nameservers,
        origins=host.origins,
    )


def _trusted(host: Inventory, transport: Transport) -> str | None:
    if host.tls.mode == "self-signed":
        return transport.run(sh("cat", host.paths.certificate)).output.decode() or None
    if host.tls.acme_ca:
        return host.local_path(host.tls.acme_ca).read_text()
    return None
