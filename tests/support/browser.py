"""A real headless Chromium that visits a host by name, and what it had to say."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
    "--dump-dom",
)
PAGE_SECONDS = 60


@dataclass(frozen=True)
class Visit:
    """The page as it stood when its scripts were done, and the lines of its console."""

    page: str
    console: tuple[str, ...]


def visit(url: str, address: str, certificate: Path) -> Visit:
    """Open a page; every name leads to `address`, and only this certificate is accepted there."""
    words = (
        f"--host-resolver-rules=MAP * {address}",
        f"--ignore-certificate-errors-spki-list={_key_digest(certificate)}",
    )
    with tempfile.TemporaryDirectory() as profile:
        ended = subprocess.run(
            [_chromium(), *FLAGS, *words, f"--user-data-dir={profile}", url],
            capture_output=True,
            text=True,
            timeout=PAGE_SECONDS,
            check=True,
        )
    return Visit(ended.stdout, tuple(line for line in ended.stderr.splitlines() if "CONSOLE" in line))


def _key_digest(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    plain = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(plain).digest()).decode()


def _chromium() -> str:
    """The browser's program; as root on Debian it is installed where it is missing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("no Chromium here and no right to install one: the wallet was not seen in a real browser")
    install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium"
    subprocess.run(["sh", "-c", install], check=True, timeout=600, stdout=subprocess.DEVNULL)
    return "chromium"
