"""The content of .env: the guide's variables, the inventory's further ones, and the names of the secrets."""

import hashlib
from collections.abc import Mapping

from deployer.inventory.model import Inventory
from deployer.text.dotenv import line

GENERATED = ("API_SECRET_KEY", "JWT_SECRET_KEY")
"""Generated on the host by the first provision (32 random bytes each) unless NAME.env supplies them; then kept.

So is DB_PASSWORD where there is a database.
"""

DB_PASSWORD = "DB_PASSWORD"  # noqa: S105 # its name

DB_PASSWORD_HERE = f"[{DB_PASSWORD}]"
"""Placeholder for the password that .env holds. The host program fills it in, so the password never leaves the host."""

POOL_SIZE, MAX_OVERFLOW = 20, 40
"""The guide's, for each backend: so many connections stay open, so many more are opened when those are busy."""

TOOLS_OWN = frozenset({"RESTIC_PASSWORD", "RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD", "DEPLOYER_SUDO_PASSWORD"})
"""Secrets of NAME.env that are the tool's, not the application's."""

RESTICS = (
    *("RESTIC_PASSWORD", "RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"),
    *("B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"),
    *("AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY", "AZURE_ACCOUNT_SAS", "AZURE_ENDPOINT_SUFFIX"),
    *("GOOGLE_PROJECT_ID", "GOOGLE_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"),
    *("ST_AUTH", "ST_USER", "ST_KEY"),
    *("OS_AUTH_URL", "OS_REGION_NAME", "OS_USERNAME", "OS_USER_ID", "OS_PASSWORD", "OS_TENANT_ID", "OS_TENANT_NAME"),
    *("OS_USER_DOMAIN_NAME", "OS_USER_DOMAIN_ID", "OS_PROJECT_NAME", "OS_PROJECT_DOMAIN_NAME", "OS_TRUST_ID"),
    *("OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_NAME", "OS_APPLICATION_CREDENTIAL_SECRET"),
    *("OS_STORAGE_URL", "OS_AUTH_TOKEN"),
)
"""What restic needs to reach a repository; the application's where there is none (it may keep files in S3 itself).
https://restic.readthedocs.io/en/stable/040_backup.html#environment-variables"""


def variables(host: Inventory) -> Mapping[str, str]:
    """All variables that are not secrets, in the guide's order.

    FORWARDED_ALLOW_IPS: the application trusts X-Forwarded-* from the container's own health check and from the proxy's
    fixed address only; with `*` a visitor could forge addresses (uvicorn, --forwarded-allow-ips).
    """
    return {
        "JWT_EXPIRATION_HOURS": "24",
        "CORS_ORIGINS": ",".join(host.origins),
        "DOMAIN": host.site.domain,
        "API_URL": f"https://{host.site.api_domain}",
        "RATE_LIMIT_ENABLED": "true",
        "AUDIT_LOG_ENABLED": "true",
        "HTTPS_ONLY": "true",
        "FORWARDED_ALLOW_IPS": f"127.0.0.1,{host.proxy_address}",
        **(_pool() if host.postgres.enabled else {}),
        **host.environment,
    }


def _pool() -> Mapping[str, str]:
    return {"DB_POOL_SIZE": str(POOL_SIZE), "DB_MAX_OVERFLOW": str(MAX_OVERFLOW), "DB_POOL_PRE_PING": "true"}


def database_url(host: Inventory) -> str:
    """The line of .env that names the database of this host, without its password."""
    postgres = host.postgres
    return f"DATABASE_URL=postgresql://{postgres.user}:{DB_PASSWORD_HERE}@postgres:5432/{postgres.database}"


def secret_names(host: Inventory) -> tuple[str, ...]:
    tools = {*TOOLS_OWN, *(RESTICS if host.backup.offsite else ())}
    supplied = (name for name in host.secrets if name not in tools)
    database = (DB_PASSWORD,) if host.postgres.enabled else ()
    return tuple(dict.fromkeys((*GENERATED, *database, *supplied)))


def restics(host: Inventory) -> Mapping[str, str]:
    """The environment of restic, secrets revealed: where the repository is, and what NAME.env has for it."""
    supplied = {name: host.secrets[name].reveal() for name in RESTICS if name in host.secrets}
    return {"RESTIC_REPOSITORY": host.backup.offsite, **supplied}


def lines(host: Inventory) -> tuple[str, ...]:
    """All but the secrets themselves."""
    derived = (database_url(host),) if host.postgres.enabled else ()
    return (*derived, *(line(name, value) for name, value in variables(host).items()))


def digest(host: Inventory) -> str:
    """A digest that changes when containers must be restarted because .env changed; secrets are left out."""
    text = "\n".join((*lines(host), *secret_names(host)))
    return hashlib.sha256(text.encode()).hexdigest()
