"""The verbs of the host program, imported when they are called."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.importing import function

Verb = Callable[[Host, Sequence[str]], None]

CRON, HELP = "cron", "help"
VERBS: Mapping[str, str] = {
    "backup": "backup.verbs:backup",
    "certificate": "certificate.verbs:certificate",
    "environment": "environment.verbs:environment",
    "estimate": "backup.verbs:estimate",
    "proxy": "proxy_verbs:proxy",
    "release": "release.verbs:release",
    "releases": "release.history:releases",
    "renew": "certificate.verbs:renew",
    "verify": "backup.verbs:verify",
    "logs": "logs:logs",
    "backups": "backup.catalogue:backups",
    "offsite": "offsite.verbs:offsite",
    "restic": "offsite.verbs:restic",
    "survey": "survey.verbs:survey",
}
"""Module and function of each, below deployer.remote."""
UNLOCKED = frozenset({"offsite"})
"""What cron runs without the lock of the host: it takes long, and only reads complete backups."""
USAGE = f"usage: remote.pyz [{CRON}] {'|'.join(VERBS)} [ARGUMENT…]"


def verb(name: str) -> Verb:
    """The function of a verb. Raises Failure where there is none of this name."""
    if name not in VERBS:
        raise Failure(f"this host program has no verb {name}\n{USAGE}", exit_code=2)
    return cast("Verb", function(VERBS[name]))
