"""The verbs of the host program. Each is imported when it is called: cron and questions start quickly."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from deployer.remote.failure import Failure
from deployer.remote.host import Host

Verb = Callable[[Host, Sequence[str]], None]

CRON, HELP = "cron", "help"
VERBS: Mapping[str, str] = {
    "backup": "backup.verbs:backup",
    "certificate": "certificate.verbs:certificate",
    "containers": "containers:containers",
    "drill": "drill.verbs:drill",
    "environment": "environment.verbs:environment",
    "estimate": "backup.verbs:estimate",
    "postgres": "postgres.verbs:postgres",
    "proxy": "proxy_verbs:proxy",
    "release": "release.verbs:release",
    "recover": "restore.verbs:recover_at_boot",
    "releases": "release.history:releases",
    "restore": "restore.verbs:restore",
    "renew": "certificate.verbs:renew",
    "verify": "backup.verbs:verify",
    "image": "build.verbs:image",
    "logs": "logs:logs",
    "backups": "backup.catalogue:backups",
    "offsite": "offsite.verbs:offsite",
    "restic": "offsite.verbs:restic",
}
"""Module and function of each, below deployer.remote."""
UNLOCKED = frozenset({"offsite"})
"""What cron runs without the lock of the host: it takes long, and only reads complete backups."""
USAGE = f"usage: remote.pyz [{CRON}] {'|'.join(VERBS)} [ARGUMENT…]"


def verb(name: str) -> Verb:
    """The function of a verb. Raises Failure where there is none of this name."""
    if name not in VERBS:
        raise Failure(f"this host program has no verb {name}\n{USAGE}", exit_code=2)
    module, _, function = VERBS[name].partition(":")
    found: Verb = getattr(import_module(f"deployer.remote.{module}"), function)
    return found
