"""What images must take over from this machine to reach the package registries as it does.

That is: certificates a company's proxy adds, and the settings of pip and npm that name a registry. Nothing
is assumed; on a machine without such settings everything here is empty.
"""

import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from testbed.shell import run

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian, Ubuntu and the bed's images keep all trusted certificates in one file."""

LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Machine:
    """The settings as files and variables of an image."""

    certificates: tuple[str, ...]
    pip_conf: str
    npmrc: str
    proxies: tuple[tuple[str, str], ...]


@cache
def read_machine() -> Machine:
    """Read the settings of this machine."""
    certificates = _certificates()
    proxies = tuple((name, os.environ[name]) for name in _PROXY_VARIABLES if os.environ.get(name))
    return Machine(certificates, _pip_conf(bool(certificates)), _npmrc(bool(certificates)), proxies)


def _certificates() -> tuple[str, ...]:
    files = sorted(LOCAL_CERTIFICATES.rglob("*.crt")) if LOCAL_CERTIFICATES.is_dir() else []
    named = {os.environ.get(variable, "") for variable in _BUNDLE_VARIABLES} - {"", BUNDLE}
    files += sorted(Path(name) for name in named if Path(name).is_file())
    found = (match for file in files for match in _CERTIFICATE.findall(file.read_text("utf-8", "replace")))
    return tuple(dict.fromkeys(found))


def _pip_conf(private: bool) -> str:
    settings = [("cert", BUNDLE)] if private else []
    for key in ("index-url", "extra-index-url", "trusted-host"):
        words = _pip_setting(key).split()
        settings += [(key, " ".join(words))] if words else []
    return "".join(["[global]\n", *(f"{key} = {value}\n" for key, value in settings)]) if settings else ""


def _pip_setting(key: str) -> str:
    variable = os.environ.get(f"PIP_{key.replace('-', '_').upper()}", "")
    listed = run(("pip", "config", "get", f"global.{key}"), check=False).stdout if shutil.which("pip") else ""
    words = (variable or listed).split()
    return " ".join(word for word in words if not word.startswith(("file:", "/")))


def _npmrc(private: bool) -> str:
    lines = [f"cafile={BUNDLE}"] if private else []
    registry = os.environ.get("npm_config_registry", "")  # noqa: SIM112 - npm's own name
    if not registry and shutil.which("npm"):
        answer = run(("npm", "config", "list", "--location=user"), check=False).stdout
        registry = "".join(re.findall(r'^registry = "([^"]+)"', answer, re.MULTILINE)[:1])
    lines += [f"registry={registry}"] if registry else []
    return "".join(f"{line}\n" for line in lines)
