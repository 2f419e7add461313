"""The end of a run that changed a site: where it is, how a browser gets there, and the commands that come next."""

from collections.abc import Iterator, Sequence

from deployer.inventory.model import Inventory
from deployer.run.host_run import HostRun

NEXT = ("status", "logs --follow", "backup")
"""Commands that are of use after a change."""


def show_way_on(run: HostRun, undo: str = "") -> None:
    """Nothing where the run changed nothing, or is a dry run; `undo` is the command that takes the change back."""
    if run.verdicts.count("changed") and not run.choices.flag("dry-run") and not run.choices.flag("quiet"):
        addresses = [f"https://{name}" for name in (run.host.site.domain, run.host.site.api_domain)]
        run.report.data("site", {"addresses": addresses}, "\n".join(_lines(run.host, addresses, undo)))


def _lines(host: Inventory, addresses: Sequence[str], undo: str) -> Iterator[str]:
    yield f"\n{addresses[0]} is up; its API is {addresses[1]}."
    if host.tls.mode == "self-signed":
        yield "Its certificate is self-signed: a browser warns of it, and the warning can be passed by."
        address = host.site.address or host.ssh.address
        yield f"Without DNS, add this line to /etc/hosts: {address} {' '.join(host.names)}"
    yield "Next:  " + "\n       ".join(f"deployer {command} --host {host.host_name}" for command in NEXT)
    if undo:
        yield f"Undo:  deployer {undo} --host {host.host_name}"
