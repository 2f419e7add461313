"""The wallet in a real browser: it works under the Content-Security-Policy that is really served."""

from pathlib import Path

import pytest

from tests.support.browser import visit
from tests.support.tool import Deployment

pytestmark = pytest.mark.in_turn

CERTIFICATE = "cat /opt/biometric-did/nginx/ssl/fullchain.pem"


def test_wallet_works_under_its_policy(provisioned: Deployment, tmp_path: Path) -> None:
    """Styles injected, WebAssembly run, the API called from another origin: no line on the console, title `ready`."""
    certificate = tmp_path / "served.pem"
    certificate.write_text(provisioned.host.exec(CERTIFICATE).stdout)
    seen = visit(f"https://{provisioned.domain}/some/route", provisioned.host.address, certificate)
    assert seen.console == ()
    assert "<title>ready</title>" in seen.page, seen.page


def test_a_policy_without_the_api_is_seen_to_fail(provisioned: Deployment, tmp_path: Path) -> None:
    """The guide's policy names no connect-src: with it the browser refuses the wallet's own API calls."""
    inventory = provisioned.inventory / "web.toml"
    policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'"
    wallet = inventory.read_text().replace("[wallet]\n", f'[wallet]\ncontent_security_policy = "{policy}"\n')
    inventory.write_text(wallet)
    provisioned.ok("provision", "--no-verify")
    certificate = tmp_path / "served.pem"
    certificate.write_text(provisioned.host.exec(CERTIFICATE).stdout)
    seen = visit(f"https://{provisioned.domain}/", provisioned.host.address, certificate)
    assert any("Content Security Policy" in line for line in seen.console)
    assert "<title>ready</title>" not in seen.page
