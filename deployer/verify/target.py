"""The site to check: its names, the address to connect to, and what ought to be served there."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["letsencrypt", "self-signed", "provided"]

UNPUBLISHED = (
    8000,
    3003,
    9090,
    3000,
    9113,
    5432,
)  # API, wallet, Prometheus, Grafana, nginx exporter, PostgreSQL


@dataclass(frozen=True)
class Site:
    """One deployment as seen from outside.

    `address` is connected to whatever the names resolve to (IPv4, IPv6 or a host name); empty means the names
    themselves. `trusted_pem` is the certificate to pin in mode self-signed, else CAs trusted besides the
    system's.
    """

    domain: str
    api_domain: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    https_port: int = 443
    http_port: int = 80
    health_path: str = "/health"
    mode: Mode = "letsencrypt"
    hsts: bool = True
    content_security_policy: str = ""
    trusted_pem: str | None = None
    nameservers: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    closed_ports: tuple[int, ...] = UNPUBLISHED

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the site answers to, the wallet's first."""
        return (self.domain, self.api_domain, *self.aliases)

    @property
    def expects_hsts(self) -> bool:
        """HSTS with a self-signed certificate would lock visitors out for its whole max-age."""
        return self.hsts and self.mode != "self-signed"

    @property
    def origin(self) -> str:
        """An origin whose scripts may call the API."""
        return self.origins[0] if self.origins else f"https://{self.domain}"
