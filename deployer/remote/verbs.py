"""The verbs of the host program. Each is imported when it is called: cron and questions start quickly."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from deployer.remote.failure import Failure
from deployer.remote.host import Host

Verb = Callable[[Host, Sequence[str]], None]

CRON, HELP = "cron", "help"
VERBS: Mapping[str, str] = {
    "certificate": "certificate.verbs:certificate",
    "containers": "containers:containers",
    "environment": "environment.verbs:environment",
    "proxy": "proxy_verbs:proxy",
    "releases": "release.history:releases",
    "renew": "certificate.verbs:renew",
}
"""Module and function of each, below deployer.remote."""
USAGE = f"usage: remote.pyz [{CRON}] {'|'.join(VERBS)} [ARGUMENT…]"


def verb(name: str) -> Verb:
    """The function of a verb. Raises Failure where there is none of this name."""
    if name not in VERBS:
        raise Failure(f"this host program has no verb {name}\n{USAGE}", exit_code=2)
    module, _, function = VERBS[name].partition(":")
    found: Verb = getattr(import_module(f"deployer.remote.{module}"), function)
    return found
