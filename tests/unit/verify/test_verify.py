"""All checks from outside: everything passes on a good site, and one fault fails its own check."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from deployer.verify.checks import CHECKS
from deployer.verify.findings import Finding
from deployer.verify.verify import verify

from .certificates import Pair, make
from .conftest import Deploy
from .good import (
    API,
    BUNDLE,
    DOMAIN,
    HSTS,
    IMMUTABLE,
    SCRIPT,
    SECURITY,
    STYLE,
    good,
    having,
    plus,
    spoiled,
    without,
)
from .serving import Behaviour, OneOff, Told

Change = Callable[[OneOff, Told], Told | None]


def bad(checks: tuple[Finding, ...]) -> set[str]:
    """Names of the checks that did not pass."""
    return {check.name for check in checks if check.verdict != "pass"}


def failures(checks: tuple[Finding, ...]) -> set[str]:
    return {check.name for check in checks if check.verdict == "fail"}


def changing(wanted: Callable[[OneOff], bool], change: Callable[[Told], Told | None]) -> Change:
    """Change the answers to the requests that are wanted, where there is one."""
    return lambda asked, told: change(told) if told and wanted(asked) else told


def on(path: str) -> Callable[[OneOff], bool]:
    return lambda asked: asked.scheme == "https" and asked.path == path


def secure(asked: OneOff) -> bool:
    return asked.scheme == "https"


def plain(asked: OneOff) -> bool:
    return asked.scheme == "http"


def missing(asked: OneOff) -> bool:
    return asked.path.startswith("/missing.")


def foreign(asked: OneOff) -> bool:
    return "foreign" in asked.headers.get("Origin", "")


SCRIPT_HEADERS = (*SECURITY, HSTS, ("Content-Type", "text/javascript"))

# What is spoiled -> the change, and the checks that must fail
FAULTS: dict[str, tuple[Change, set[str]]] = {
    "doubled header": (
        changing(on("/health"), lambda told: plus(told, "X-Frame-Options", "DENY")),
        {"security headers: API"},
    ),
    "missing header on 404": (
        changing(missing, lambda told: without(told, "Referrer-Policy")),
        {"security headers: wallet 404"},
    ),
    "missing header on an asset": (
        changing(on(STYLE), lambda told: without(told, "Content-Security-Policy")),
        {f"security headers: asset {STYLE}"},
    ),
    "HSTS on http": (
        changing(plain, lambda told: plus(told, *HSTS)),
        {"security headers: http redirect", "security headers: http redirect of the API"},
    ),
    "no HSTS on the page": (
        changing(on("/"), lambda told: without(told, "Strict-Transport-Security")),
        {"security headers: page"},
    ),
    "HSTS for no time": (
        changing(on("/"), lambda told: having(told, "Strict-Transport-Security", "max-age=0")),
        {"security headers: page"},
    ),
    "another policy than asked for": (
        changing(on("/"), lambda told: having(told, "Content-Security-Policy", "default-src *")),
        {"content security policy"},
    ),
    "version told": (
        changing(secure, lambda told: having(told, "Server", "nginx/1.27.4")),
        {"server version hidden"},
    ),
    "200 for a missing script": (
        changing(missing, lambda told: replace(told, status=200)),
        {"wallet: a missing asset is 404"},
    ),
    "a map served": (
        changing(on(SCRIPT + ".map"), lambda told: replace(told, status=200)),
        {"wallet: no source maps"},
    ),
    "a map inside": (
        changing(on(SCRIPT), lambda told: _body(told, BUNDLE + b"\n//# sourceMappingURL=data:application/json;x")),
        {"wallet: no source maps", "compression"},
    ),
    "the API's address not in the wallet": (
        changing(on(SCRIPT), lambda told: _body(told, b"const api='http://localhost:8000'")),
        {"wallet: contains the API's address"},
    ),
    "no compression": (
        changing(on(SCRIPT), lambda told: _body(told, BUNDLE)),
        {"compression"},
    ),
    "a script of the wrong type": (
        changing(on(SCRIPT), lambda told: having(told, "Content-Type", "text/html")),
        {"wallet: assets load"},
    ),
    "a style sheet that is not there": (
        changing(on(STYLE), lambda told: replace(told, status=404)),
        {"wallet: assets load"},
    ),
    "an unhashed script kept": (
        lambda asked, told: (
            plus(replace(told, status=200, headers=SCRIPT_HEADERS), *IMMUTABLE)
            if asked.path == "/env.js"
            else changing(on("/"), lambda page: _body(page, b"<script src=/env.js></script>" + API.encode()))(
                asked, told
            )
        ),
        {"wallet: assets cached by their hash"},
    ),
    "no script at all": (
        changing(on("/"), lambda told: _body(told, b"welcome to nginx, not " + API.encode())),
        {"wallet: assets load"},
    ),
    "the page kept": (
        changing(on("/"), lambda told: having(told, "Cache-Control", "max-age=600")),
        {"wallet: page is revalidated"},
    ),
    "the service worker kept": (
        changing(on("/sw.js"), lambda told: plus(replace(told, status=200), *IMMUTABLE)),
        {"wallet: service worker is revalidated"},
    ),
    "no deep links": (
        changing(lambda asked: asked.path.startswith("/deep"), lambda told: replace(told, status=404)),
        {"wallet: deep link /deep/link/of/the-wallet"},
    ),
    "API ill": (
        changing(on("/health"), lambda told: replace(told, status=503)),
        {f"API health: https://{API}/health"},
    ),
    "API redirecting for ever": (
        changing(on("/health"), lambda told: having(replace(told, status=301), "Location", f"https://{API}/health")),
        {f"API health: https://{API}/health"},
    ),
    "CORS for nobody": (
        changing(on("/health"), lambda told: without(told, "Access-Control-Allow-Origin")),
        {"CORS: the wallet's origin"},
    ),
    "CORS for everybody": (
        changing(foreign, lambda told: having(told, "Access-Control-Allow-Origin", "*")),
        {"CORS: a foreign origin"},
    ),
    "redirect to the wrong path": (
        changing(plain, lambda told: having(told, "Location", f"https://{DOMAIN}/")),
        {f"http to https: {DOMAIN}", f"http to https: {API}"},
    ),
    "redirect to the wrong name": (
        changing(
            lambda asked: plain(asked) and asked.host == API,
            lambda told: having(told, "Location", f"https://{DOMAIN}/redirect/probe?kept=1"),
        ),
        {f"http to https: {API}"},
    ),
    "http answered": (
        changing(plain, lambda told: replace(told, status=200)),
        {f"http to https: {DOMAIN}", f"http to https: {API}"},
    ),
}


def _body(told: Told, body: bytes) -> Told:
    return replace(without(told, "Content-Encoding"), body=body)


def test_a_good_site_passes(deploy: Deploy) -> None:
    """Every check passes, and the health path is asked at most three times."""
    deployment = deploy(mode="letsencrypt")
    checks = verify(deployment.site)
    assert [check for check in checks if check.verdict != "pass"] == []
    assert len(checks) > 30
    assert len({check.name for check in checks}) == len(checks)
    assert sum(asked.path == "/health" for asked in deployment.running.asked) <= 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(deploy: Deploy, fault: str) -> None:
    """One thing is wrong: its checks fail with evidence and remedy, and no other does."""
    change, expected = FAULTS[fault]
    checks = verify(deploy(spoiled(lambda asked, told: change(asked, told) if told else None)).site)
    assert bad(checks) == failures(checks) == expected
    assert all(check.evidence and check.remedy for check in checks if check.verdict == "fail")


def test_a_hashed_asset_that_is_not_kept_is_a_warning(deploy: Deploy) -> None:
    """It costs visitors a question each time, nothing more: no reason to fail a release."""
    change = changing(on(STYLE), lambda told: having(told, "Cache-Control", "max-age=60"))
    checks = verify(deploy(spoiled(lambda asked, told: change(asked, told) if told else None)).site)
    assert failures(checks) == set()
    assert bad(checks) == {"wallet: assets cached by their hash"}


@pytest.mark.parametrize("status", [200, 301])
def test_an_alias_serves_or_redirects(deploy: Deploy, authority: Pair, status: int) -> None:
    """An alias may serve the wallet itself or send visitors to the domain; its headers are looked at too."""
    alias = "www.wallet.example.com"
    pair = make(DOMAIN, names=(DOMAIN, API, "*.wallet.example.com"), by=authority)
    checks = verify(deploy(_with_alias(alias, status), pair=pair, names=None, aliases=(alias,)).site)
    assert {f"wallet: https://{alias}/", f"http to https: {alias}", f"security headers: {alias}"} <= {
        check.name for check in checks if check.verdict == "pass"
    }


def down(asked: OneOff, told: Told | None) -> Told | None:
    """As the proxy answers while maintenance is on."""
    if told is None or asked.scheme == "http" or (asked.host == API and asked.path == "/health"):
        return told
    kind, body = ("application/json", b'{"detail":"Down for maintenance"}') if asked.host == API else _DOWN_PAGE
    return Told(503, (*SECURITY, HSTS, ("Content-Type", kind), ("Retry-After", "300")), body)


_DOWN_PAGE = ("text/html", b"<!doctype html><h1>Down for maintenance</h1>")


def test_maintenance_is_no_failure(deploy: Deploy) -> None:
    """It is said, with the command that ends it; certificate, health, CORS, headers and the rest are looked at."""
    checks = verify(deploy(spoiled(down)).site)
    (warning,) = [check for check in checks if check.verdict != "pass"]
    assert (warning.name, warning.verdict) == ("maintenance is on", "warning")
    assert warning.remedy == "run deployer maintenance off"
    names = {check.name.partition(":")[0] for check in checks}
    assert {"certificate trusted", "API health", "CORS", "security headers", "http to https", "maintenance"} <= names
    assert "wallet" not in names


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (changing(on("/health"), lambda told: replace(told, status=502)), f"API health: https://{API}/health"),
        (
            changing(
                lambda asked: asked.host == API and asked.path != "/health", lambda told: replace(told, status=404)
            ),
            "maintenance: every name says when to come back",
        ),
        (
            changing(on("/"), lambda told: without(told, "Retry-After")),
            "maintenance: every name says when to come back",
        ),
        (changing(on("/"), lambda told: without(told, "X-Frame-Options")), "security headers: page"),
    ],
)
def test_a_fault_during_maintenance_is_found(deploy: Deploy, spoil: Change, expected: str) -> None:
    """What remains to be looked at can still fail."""

    def behaviour(asked: OneOff, told: Told | None) -> Told | None:
        answer = down(asked, told)
        return spoil(asked, answer) if answer and asked.scheme == "https" else answer

    assert failures(verify(deploy(spoiled(behaviour)).site)) == {expected}


def test_a_503_of_others_is_no_maintenance(deploy: Deploy) -> None:
    """A wallet that is broken fails, also with 503 and a time to come back."""

    def broken(asked: OneOff, told: Told | None) -> Told | None:
        return replace(_body(told, b"Sorry"), status=503) if told and on("/")(asked) else told

    assert f"wallet: https://{DOMAIN}/" in failures(verify(deploy(spoiled(broken)).site))


def _with_alias(alias: str, status: int) -> Behaviour:
    def behaviour(asked: OneOff) -> Told | None:
        if asked.host != alias or asked.scheme == "http":
            told = good(replace(asked, host=DOMAIN if asked.host == alias else asked.host))
            return having(told, "Location", f"https://{asked.host}{asked.path}") if told else None
        told = good(replace(asked, host=DOMAIN))
        return having(replace(told, status=301), "Location", f"https://{DOMAIN}/") if told and status == 301 else told

    return behaviour


def test_an_address_in_a_later_chunk_is_found(deploy: Deploy) -> None:
    """A script named inside the page's script is read too, before the wallet is said not to know its API."""
    chunk = "/chunk-0a1b2c3d.js"

    def behaviour(asked: OneOff, told: Told | None) -> Told | None:
        if told and asked.path == chunk:
            return _body(replace(told, status=200), BUNDLE)
        return _body(told, b'import("./chunk-0a1b2c3d.js")') if told and asked.path == SCRIPT else told

    assert bad(verify(deploy(spoiled(behaviour)).site)) == set()


def test_an_unknown_host_that_is_answered_is_found(deploy: Deploy) -> None:
    """A site that answers any Host and any SNI fails all four ways to ask."""

    def any_host(asked: OneOff) -> Told | None:
        return good(replace(asked, host=DOMAIN if asked.host != API else API))

    checks = verify(deploy(any_host, names=None).site)
    assert bad(checks) == {
        "unknown Host on http refused",
        "unknown name in TLS refused",
        "no name in TLS refused",
        "foreign Host on https refused",
    }


def test_old_protocols_are_found(deploy: Deploy) -> None:
    """A server that speaks TLS 1.0, and not 1.3, fails three checks."""
    checks = verify(deploy(oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1_2).site)
    assert bad(checks) == {"TLS 1.0 refused", "TLS 1.1 refused", "TLS 1.3 accepted"}


def test_an_open_port_is_found(deploy: Deploy) -> None:
    """A port that should be closed and answers fails, named."""
    deployment = deploy()
    site = replace(deployment.site, closed_ports=(deployment.running.http_port,))
    failed = [check for check in verify(site) if check.verdict == "fail"]
    assert [check.name for check in failed] == ["closed ports"]
    assert str(deployment.running.http_port) in failed[0].evidence


def test_an_expired_certificate_is_found(deploy: Deploy, authority: Pair) -> None:
    """Chain and life fail; the rest of the site is looked at all the same."""
    pair = make(DOMAIN, names=(DOMAIN, API), by=authority, age=90, days_left=-1)
    checks = verify(deploy(pair=pair).site)
    assert bad(checks) == {"certificate trusted", "certificate life"}


def test_a_certificate_for_another_name_is_found(deploy: Deploy, authority: Pair) -> None:
    """Only the names fail: the chain is judged by itself."""
    checks = verify(deploy(pair=make(DOMAIN, names=(DOMAIN,), by=authority)).site)
    assert bad(checks) == {"certificate names"}


def test_a_self_signed_certificate_is_found(deploy: Deploy) -> None:
    """In mode letsencrypt a placeholder is neither trusted nor issued by anybody."""
    checks = verify(deploy(pair=make(DOMAIN, names=(DOMAIN, API))).site)
    assert bad(checks) == {"certificate trusted", "certificate issuer"}


def test_a_pinned_certificate_passes_without_hsts(deploy: Deploy) -> None:
    """In mode self-signed exactly the pinned certificate is right, and HSTS is not."""
    pair = make(DOMAIN, names=(DOMAIN, API))
    quiet = spoiled(lambda asked, told: without(told, "Strict-Transport-Security") if told else None)
    deployment = deploy(quiet, pair=pair, mode="self-signed", trusted_pem=pair.pem)
    assert bad(verify(deployment.site)) == set()


def test_hsts_with_a_self_signed_certificate_is_found(deploy: Deploy) -> None:
    """HSTS there would lock visitors out."""
    pair = make(DOMAIN, names=(DOMAIN, API))
    checks = verify(deploy(pair=pair, mode="self-signed", trusted_pem=pair.pem).site)
    assert {name.partition(":")[0] for name in bad(checks)} == {"security headers"}


def test_a_certificate_that_is_not_the_pinned_one_is_found(deploy: Deploy) -> None:
    """Another self-signed certificate of the same name is not the pinned one."""
    pair, other = make(DOMAIN, names=(DOMAIN, API)), make(DOMAIN, names=(DOMAIN, API))
    checks = verify(deploy(pair=pair, mode="self-signed", trusted_pem=other.pem, hsts=False).site)
    assert {"certificate trusted", "certificate pinned"} <= bad(checks)


def test_a_dead_host_is_told_in_words(deploy: Deploy, closed_port: int) -> None:
    """Nothing listens: verify raises nothing and says that TLS does not answer."""
    site = replace(deploy().site, https_port=closed_port, http_port=closed_port)
    checks = verify(site)
    dead = next(check for check in checks if check.name == "TLS answers")
    assert dead.verdict == "fail"
    assert "refused" in dead.evidence


def test_what_is_not_done_in_time_is_a_failure(deploy: Deploy) -> None:
    """A site that accepts and never answers fails every check that waits for it, and none is left out silently."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        checks = verify(replace(deploy().site, https_port=port, http_port=port), limit=0.5)
    unfinished = {check.name for check in checks if "not done within" in check.evidence}
    assert unfinished == {check.NAME for check in CHECKS} - {"names", "closed ports"}
    assert unfinished <= failures(checks)
