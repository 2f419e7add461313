"""The proxy's configuration as text; what nginx makes of it is proved in tests/host/proxy."""

import re
from collections.abc import Mapping

import pytest

from deployer.inventory.model import Inventory
from deployer.site.compose import BACKEND, PROXY
from deployer.site.maintenance import SWITCH
from deployer.site.nginx import nginx_conf, site_conf, upstreams
from deployer.site.rendering import render

KEPT_FILES = "        root /etc/nginx/deployer/assets;"


def example(**sections: Mapping[str, object]) -> Inventory:
    site = {"domain": "wallet.example.com", "email": "admin@example.com", "aliases": ("www.example.com",)}
    return Inventory.model_validate({"ssh": {"address": "203.0.113.10"}, "site": site, **sections})


def directives(text: str, name: str) -> list[str]:
    return re.findall(rf"^\s*{name} (.*);$", text, re.MULTILINE)


class TestServers:
    def test_names(self) -> None:
        """Every name of the certificate on 80; the wallet's and the API's apart on 443; strangers nowhere."""
        wallet, api, alias = "wallet.example.com", "api.wallet.example.com", "www.example.com"
        expected = ["_", "_", f"{wallet} {api} {alias}", f"{wallet} {alias}", api]
        assert directives(site_conf(example()), "server_name") == expected

    def test_no_link_is_followed(self) -> None:
        """Where files of the wallet's image are served: a link among them would publish the proxy's own files."""
        location = site_conf(example()).partition(KEPT_FILES)[2].partition("}")[0]
        assert directives(location, "disable_symlinks") == ["on"]

    def test_paths_are_relative(self) -> None:
        """A copy of the tree beside is tested as a whole: nothing in it points back to the live one."""
        both = nginx_conf(example()) + site_conf(example())
        outside = both.replace(f"(-f {SWITCH})", "")
        assert re.findall(".*/etc/nginx/deployer.*", outside) == [KEPT_FILES], "what is read by requests, not by a test"
        own = ["conf.d/*.conf", "conf.d/biometric-did.upstreams"]
        assert directives(both, "include") == ["/etc/nginx/mime.types", *own]

    @pytest.mark.parametrize(("mode", "times"), [("letsencrypt", 2), ("provided", 2), ("self-signed", 0)])
    def test_hsts(self, mode: str, times: int) -> None:
        """On both https servers, never with a certificate that browsers do not trust."""
        tls = {"mode": mode}
        assert site_conf(example(tls=tls)).count('Strict-Transport-Security "max-age') == times

    def test_no_location_adds_a_header(self) -> None:
        """It would drop those of its server (F9)."""
        text = site_conf(example(nginx={"cache": True}))
        assert not re.search(r"^ {8,}add_header", text, re.MULTILINE)

    def test_policy_comes_from_the_inventory(self) -> None:
        wallet = {"content_security_policy": "default-src 'self' {api}"}
        assert "\"default-src 'self' https://api.wallet.example.com\"" in site_conf(example(wallet=wallet))

    def test_tls_of_the_intermediate_profile(self) -> None:
        """Mozilla's intermediate profile: its protocols and its three curves, once, for all servers."""
        both = nginx_conf(example()) + site_conf(example())
        assert directives(both, "ssl_protocols") == ["TLSv1.2 TLSv1.3"]
        assert directives(both, "ssl_ecdh_curve") == ["X25519:prime256v1:secp384r1"]

    def test_limit(self) -> None:
        """A rate and its burst, or neither."""
        limited = example(nginx={"rate_limit": "300r/m", "rate_burst": 7})
        assert "rate=300r/m;" in nginx_conf(limited)
        assert directives(site_conf(limited), "limit_req") == ["zone=api burst=7 nodelay"]
        free = example(nginx={"rate_limit": "off"})
        assert "limit_req" not in nginx_conf(free) + site_conf(free)

    def test_cache_is_off_unless_asked_for(self) -> None:
        assert "proxy_cache" not in nginx_conf(example()) + site_conf(example())


class TestUpstreams:
    def test_one_server_for_each_container(self) -> None:
        text = upstreams(example(backend={"port": 9000}), ["a-1", "a-2"], ["w-1"])
        assert directives(text, "server") == [
            "a-1:9000 resolve max_fails=0",
            "a-2:9000 resolve max_fails=0",
            "w-1:80 resolve max_fails=0",
        ]

    def test_an_idle_connection_is_dropped_before_uvicorn_does(self) -> None:
        """uvicorn closes after 5 s (timeout_keep_alive)."""
        backend = upstreams(example(), ["a"], ["w"]).partition("upstream wallet")[0]
        assert directives(backend, "keepalive_timeout") == ["3s"]

    @pytest.mark.parametrize(("backends", "wallets"), [([], ["w"]), (["a"], [])])
    def test_nobody_to_serve_is_an_error(self, backends: list[str], wallets: list[str]) -> None:
        with pytest.raises(ValueError, match="at least one"):
            upstreams(example(), backends, wallets)

    def test_a_strange_name_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not a word"):
            upstreams(example(), ["a;}"], ["w"])


IMMUTABLE = (
    "/static/js/main.8f2a3b1c.js",
    "/main.0123456789abcdef0123.css",
    "/main.0123456789abcdef0123.chunk.js",
    "/assets/index-BqX1z_9k.js",
    "/assets/logo.Dk3-x9Qa.svg",
    "/assets/font-C7abQx1z.woff2",
)
MUTABLE = (
    "/",
    "/index.html",
    "/sw.js",
    "/service-worker.js",
    "/env.js",
    "/ngsw-worker.js",
    "/my-carousel.js",
    "/report-20250101.css",
    "/jquery-3.7.1.min.js",
    "/polyfill-version2.js",
    "/bootstrap.bundle.min.js",
    "/inter-regular400.woff2",
    "/manifest.webmanifest",
    "/main.0123456789abcdef0123.js.map",
    "/main.0123456789abcdef0123.html",
    "/0123456789abcdef0123",
    "/deadbeef.js",
)


@pytest.mark.parametrize("path", [*IMMUTABLE, *MUTABLE])
def test_what_is_kept_for_ever(path: str) -> None:
    """Names with a hash of the content, and only where the answer is the file (F28)."""
    found = re.search(r'"~(.*)" "public, max-age=31536000, immutable"', nginx_conf(example()))
    assert found
    for status in (200, 206, 304):
        assert bool(re.search(found[1], f"{status} {path}")) == (path in IMMUTABLE)
    for status in (301, 404, 429, 502):
        assert not re.search(found[1], f"{status} {path}")


class TestImages:
    def test_the_wallet_is_built_with_the_api_address_and_nothing_else(self) -> None:
        """A build's whole environment ends up in public JavaScript (A9)."""
        text = render("Dockerfile.wallet", host=example(wallet={"api_url_variable": "API_URL", "output_dir": "build"}))
        assert re.findall(r"^(?:ARG|ENV) .*$", text, re.MULTILINE) == ["ARG API_URL", "ENV API_URL=${API_URL}"]
        assert "COPY --from=builder /app/build /usr/share/nginx/html" in text

    def test_the_backend_is_nobody_special(self) -> None:
        """It does not run as root, and owns what it writes to."""
        lines = render("Dockerfile.backend", host=example()).splitlines()
        assert "USER appuser" in lines
        assert lines.index("USER appuser") > lines.index("COPY --chown=appuser:appuser . .")


def test_rotation_finds_the_services_of_compose() -> None:
    """By the labels that Compose gives them; no path of a compose file, which cron would not find (F22)."""
    text = render("logrotate", host=example())
    services = set(re.findall(r"com\.docker\.compose\.service=(\S+)", text))
    assert {service.rstrip(")") for service in services} == {BACKEND, PROXY}
    assert "docker compose" not in text
