"""A certificate with its key: made by the host itself, and installed for the proxy."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from deployer.remote import files, output, proxy, signals
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import run, succeed

DAYS = 365
"""The guide's, section 5."""
SECONDS = 60.0


@dataclass(frozen=True)
class Pair:
    """Where a certificate (with its chain) and its key are."""

    certificate: Path
    key: Path

    @classmethod
    def below(cls, directory: Path) -> "Pair":
        return cls(directory / "fullchain.pem", directory / "privkey.pem")

    @property
    def contents(self) -> tuple[bytes, bytes]:
        return self.certificate.read_bytes(), self.key.read_bytes()

    @property
    def exists(self) -> bool:
        return self.certificate.exists() and self.key.exists()

    def write(self, certificate: bytes, key: bytes) -> None:
        """Both are written completely before the first is renamed."""
        files.replace({self.key: key, self.certificate: certificate}, {self.key: 0o600, self.certificate: 0o644})


def own(host: Host) -> Pair:
    """The pair of the tool: self-signed, or provided by the operator."""
    return Pair.below(host.config.state / "tls")


def installed(host: Host) -> Pair:
    """The copy that the proxy reads."""
    return Pair.below(host.config.nginx / "ssl")


def install(host: Host, source: Pair) -> None:
    """Copy a pair for the proxy, reload it, and verify that it is served.

    Raises Failure where it is not; the former pair is in place, and loaded, then.
    """
    target = installed(host)
    former = target.contents if target.exists else None
    check_key(source)
    try:
        target.write(*source.contents)
        proxy.reload(host)
        if not proxy.await_served(host, target.certificate):
            raise Failure("the new certificate is not served")
    except Failure:
        output.say("the new certificate is not in use; putting the previous one back")
        if former:
            with signals.ignored():
                target.write(*former)
                proxy.reload(host)
        raise


def check_key(pair: Pair) -> None:
    """Raises Failure where the key is not the certificate's."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key, password="")
    except (ssl.SSLError, OSError) as error:
        raise Failure(f"the key {pair.key} does not belong to the certificate {pair.certificate}: {error}") from error


def make_self_signed(host: Host, target: Pair) -> None:
    """A self-signed pair for all names of the deployment."""
    names = ",".join(f"DNS:{name}" for name in host.config.certificate.names)
    made = [path.with_suffix(".new") for path in (target.certificate, target.key)]
    try:
        succeed(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", str(DAYS)),
            *("-subj", f"/O=deployer/CN={host.config.certificate.names[0]}", "-addext", f"subjectAltName={names}"),
            *("-out", str(made[0]), "-keyout", str(made[1])),
            limit=SECONDS,
        )
        target.write(made[0].read_bytes(), made[1].read_bytes())
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def lasts(certificate: Path, days: int) -> bool:
    """Whether a certificate is valid for as many more days; False where there is none."""
    seconds = str(days * 86400)
    return run("openssl", "x509", "-in", str(certificate), "-noout", "-checkend", seconds, limit=SECONDS).succeeded


def end_date(certificate: Path) -> str:
    """The last day of a certificate: 2025-12-31."""
    shown = succeed(
        "openssl", "x509", "-in", str(certificate), "-noout", "-enddate", "-dateopt", "iso_8601", limit=SECONDS
    )
    return shown.text.partition("=")[2][:10]
