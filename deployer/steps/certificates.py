"""5. SSL/TLS certificates: made, obtained or provided; installed as a copy; nginx started with it and never stopped.

A certificate has a source (the tool's directory, certbot's, or the operator's files) and a copy that nginx reads. Both
are compared, so that a replaced source is noticed. nginx needs a certificate before the CA can be asked for one (F12):
it starts with a placeholder, answers the CA's challenge, and is reloaded with the real one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from deployer.certificates import pair as noun
from deployer.certificates.pair import Pair, ask_pairs, pair
from deployer.engine.changes import Change, File, Script
from deployer.engine.facts import Ask, Facts, Probes
from deployer.engine.host_program import call, cron_entry, run
from deployer.engine.step import Plan
from deployer.inventory.model import Inventory
from deployer.resources.files import ask_file, compare
from deployer.resources.services import ask_enabled
from deployer.site.compose import PROXY
from deployer.site.containers import ask_containers, ask_loaded, containers, is_loaded
from deployer.text.shell import lines, quote, sh

TITLE = noun.TITLE

LASTING = {"letsencrypt": 3, "self-signed": 30, "provided": 0}
"""Days before its end at which a run renews what cron should have renewed; none of the CA's lifetimes is assumed."""


def probes(host: Inventory) -> Probes:
    files = {name: ask_file(file, host, show=False) for name, file in _files(host).items()}
    return {
        **ask_pairs(host, LASTING[host.tls.mode]),
        "modes": Ask(
            f"stat -c '%a %U:%G' {quote(host.paths.certificate)} {quote(host.paths.private_key)} 2>/dev/null || true"
        ),
        "containers": ask_containers(host),
        "loaded": ask_loaded(host),
        "timer": ask_enabled("certbot.timer", host),
        "server": _ask_server(host),
        **files,
    }


def plan(host: Inventory, facts: Facts) -> Plan:
    yield from compare(facts, _files(host), show=False)
    if host.tls.mode == "letsencrypt" and facts["timer"] != "masked":
        yield Script(
            "mask certbot.timer (this tool renews, with the CA's settings)", "systemctl mask --now certbot.timer"
        )
    wanted, installed = _wanted(host, facts), pair(facts, "installed")
    good = _usable(host, wanted) and _from_that_ca(host, facts)
    if host.tls.mode == "letsencrypt":
        yield from _letsencrypt(host, facts, good=good, installed=installed)
    elif host.tls.mode == "self-signed" and not good:
        yield _act(host, f"make a self-signed certificate for {', '.join(host.names)}", "make")
    if good or host.tls.mode != "letsencrypt":
        yield from _install(host, facts, good=good, wanted=wanted, installed=installed)
    yield from _correct_modes(host, facts, installed)


def _letsencrypt(host: Inventory, facts: Facts, *, good: bool, installed: Pair) -> Iterator[Change]:
    if good:
        return
    if not installed.belongs:
        why = "install a placeholder certificate, so that nginx can start and answer the CA"
        yield _act(host, why, "install-placeholder")
    yield from start_proxy(host, facts)
    force = () if _from_that_ca(host, facts) else ("--force",)
    why = f"obtain a certificate for {', '.join(host.names)} from {host.tls.acme_server}"
    yield _act(host, why, "obtain", *force, within=900)


def _install(host: Inventory, facts: Facts, *, good: bool, wanted: Pair, installed: Pair) -> Iterator[Change]:
    if not good or (wanted.certificate, wanted.key) != (installed.certificate, installed.key):
        yield _act(host, f"install the certificate for nginx{_because(installed)}", "install")
    elif not is_loaded(facts, "certificate"):
        yield _act(host, "reload the proxy, which serves an older certificate", "reload")
    yield from start_proxy(host, facts)


def _because(installed: Pair) -> str:
    return " (a different one is installed)" if installed.certificate else ""


def start_proxy(host: Inventory, facts: Facts) -> Iterator[Change]:
    """Start the proxy alone where none runs; one with other settings is replaced at the end (section 4, container)."""
    found = [item for item in containers(host, facts["containers"]) if item.service == PROXY]
    if any(item.state == "running" for item in found):
        return
    compose = sh("docker", "compose", "--project-directory", host.root, "-f", host.paths.compose)
    remove = lines(*(sh("docker", "rm", "-f", item.name) for item in found))
    start = f"{compose} up -d --no-deps --no-build {PROXY}"
    served = call(host, "certificate", "await-served")
    yield Script("start the proxy", lines(remove, start, served), within=120)


def _correct_modes(host: Inventory, facts: Facts, installed: Pair) -> Iterator[Change]:
    if installed.certificate and facts.lines("modes") != ("644 root:root", "600 root:root"):
        yield Script(
            f"set the modes of {host.paths.certificate} (0644) and {host.paths.private_key} (0600)",
            lines(
                sh("chown", "root:root", host.paths.certificate, host.paths.private_key),
                sh("chmod", "0644", host.paths.certificate),
                sh("chmod", "0600", host.paths.private_key),
            ),
        )


def _files(host: Inventory) -> Mapping[str, File]:
    tls = host.paths.state / "tls"
    files = {"renew": cron_entry(host, "renew")}
    if host.tls.acme_ca:
        files["acme-ca"] = File(tls / "acme-ca.pem", _read(host, host.tls.acme_ca))
    if host.tls.mode == "provided":
        files["certificate"] = File(tls / "fullchain.pem", _read(host, host.tls.certificate))
        files["private key"] = File(tls / "privkey.pem", _read(host, host.tls.private_key), 0o600)
    return files


def _read(host: Inventory, path: str) -> bytes:
    return Path(host.local_path(path)).read_bytes()


def _ask_server(host: Inventory) -> Ask:
    """Which CA issued what certbot keeps."""
    settings = quote(f"/etc/letsencrypt/renewal/{host.site.domain}.conf")
    return Ask(f"[ ! -e {settings} ] || sed -n 's/^server = //p' {settings}")


def _from_that_ca(host: Inventory, facts: Facts) -> bool:
    """A certificate of another CA (of a test, say) is replaced, where certbot by itself would keep it until it ends."""
    return host.tls.mode != "letsencrypt" or facts["server"] in ("", host.tls.acme_server)


def _wanted(host: Inventory, facts: Facts) -> Pair:
    """The pair at its source; a provided one is read on the operator's machine, whatever the host has of it yet."""
    if host.tls.mode != "provided":
        return pair(facts, "source")
    certificate, key = (_digest(_read(host, path)) for path in (host.tls.certificate, host.tls.private_key))
    return Pair(certificate, key, frozenset(host.names), lasts=True, belongs=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _usable(host: Inventory, pair: Pair) -> bool:
    covers = pair.names == set(host.names) if host.tls.mode != "provided" else bool(pair.certificate)
    return pair.lasts and pair.belongs and covers


def _act(host: Inventory, why: str, *words: str, within: int = 120) -> Script:
    return Script(why, run(host, "certificate", *words), within=within)
