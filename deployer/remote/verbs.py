"""The verbs of the host program, imported when they are called."""

from collections.abc import Mapping

from deployer.remote.failure import NotUnderstood

CRON, HELP, RECOVER, SURVEY = "cron", "help", "recover", "survey"
VERBS: Mapping[str, str] = {
    "backup": "backup.verbs:backup",
    "certificate": "certificate.verbs:certificate",
    "drill": "drill.verbs:drill",
    "environment": "environment.verbs:environment",
    "estimate": "backup.verbs:estimate",
    "postgres": "postgres.verbs:postgres",
    "proxy": "proxy_verbs:proxy",
    "release": "release.verbs:release",
    RECOVER: "restore.verbs:recover_at_boot",
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
USAGE = f"usage: remote.pyz [{CRON}] {'|'.join((*VERBS, SURVEY))} [ARGUMENT…]"


def require(name: str) -> None:
    """Raises Failure where there is no verb of this name."""
    if name not in (*VERBS, SURVEY):
        raise NotUnderstood(f"this host program has no verb {name}\n{USAGE}")
