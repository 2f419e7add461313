"""The pure parts: reading pages and names of files, and judging a certificate's life."""

import datetime
import ssl
import threading
from collections.abc import Callable

import pytest

from deployer.verify import certificate, presented
from deployer.verify.findings import Finding, judged
from deployer.verify.handshake import Handshake
from deployer.verify.page import is_hashed, loaded_by, scripts_named_in
from deployer.verify.parallel import in_parallel
from deployer.verify.target import Site

from .certificates import make

ADDRESS = "https://wallet.example.com/"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/main.0123456789abcdef0123.bundle.js", True),
        ("/styles.main.fedcba98765432100123.min.css", True),
        ("/assets/index-DkX3_a9Z.js", True),
        ("/assets/index-BdkXmaPZ.js", None),
        ("/vendor-polyfill.js", None),
        ("/env.js", False),
        ("/service-worker.js", False),
        ("/main.js", False),
        ("/static/app.min.css", False),
    ],
)
def test_hashed_names_are_told_apart(path: str, expected: bool | None) -> None:
    """Sure, surely not, or not to be told."""
    assert is_hashed(path) is expected


def test_a_page_is_read_as_a_browser_reads_it() -> None:
    """Scripts and styles of the same host, against the base, once each; icons are left out."""
    page = b"""<base href="/app/"><script src="a.js"></script><SCRIPT SRC='/b.js?v=1'></SCRIPT>
    <script>c</script>
    <link rel=stylesheet href=./d.css><link rel=icon href=e.png><link rel=modulepreload href="a.js">
    <script src="https://elsewhere.example/f.js"></script><script src="//wallet.example.com/g.js"></script>"""
    assert loaded_by(page, ADDRESS) == ("/app/a.js", "/b.js?v=1", "/app/d.css", "/g.js")


@pytest.mark.parametrize("page", [b"", b"<", b"\xff\xfe<script src=", b"<script src>", b"<link rel href>"])
def test_a_broken_page_is_read_too(page: bytes) -> None:
    """Whatever a server sends, reading it raises nothing."""
    assert loaded_by(page, ADDRESS) == ()


def test_script_names_are_found_in_scripts() -> None:
    """Literals that name scripts, beside the script that holds them and at the root."""
    script = b"""import("./chunk-0a1b2c3d.js");x=["assets/late-Ab12Cd34.js"];y="no script"+".js""" + b'"'
    assert scripts_named_in(script, "/assets/index.js") == (
        "/assets/chunk-0a1b2c3d.js",
        "/assets/assets/late-Ab12Cd34.js",
        "/chunk-0a1b2c3d.js",
        "/assets/late-Ab12Cd34.js",
    )


def life(age: float, days_left: float) -> Finding:
    pair = make("wallet.example.com", names=("wallet.example.com",), age=age, days_left=days_left)
    hand = Handshake(_der(pair.pem), "TLSv1.3")
    shown = presented.Presented({"wallet.example.com": hand}, {"wallet.example.com": hand})
    site = Site("wallet.example.com", "wallet.example.com", mode="provided")
    now = datetime.datetime.now(datetime.UTC)
    return next(c for c in certificate.judge(site, shown, now) if c.name == "certificate life")


def _der(pem: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem)


@pytest.mark.parametrize(
    ("age", "days_left", "verdict"),
    [
        (60, 30, "pass"),
        (70, 20, "warning"),
        (345, 20, "warning"),
        (320, 45, "pass"),
        (30, 15, "pass"),  # a 45-day certificate is renewed at a third of its life
        (4, 2, "pass"),  # a 6-day certificate at half of it
        (5, 1, "warning"),
        (90, -1, "fail"),
        (-2, 90, "fail"),
    ],
)
def test_the_life_of_a_certificate(age: float, days_left: float, verdict: str) -> None:
    """A warning below 21 days, for short-lived ones below a quarter of their life."""
    assert life(age, days_left).verdict == verdict


@pytest.mark.parametrize(
    ("entry", "name", "covered"),
    [
        ("a.example.com", "A.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("b.example.com", "a.example.com", False),
    ],
)
def test_names_and_wildcards(entry: str, name: str, covered: bool) -> None:
    """A wildcard stands for exactly one label."""
    assert presented.covers(make("x", names=(entry,)).certificate, name) is covered


def test_a_certificate_without_names_covers_nothing() -> None:
    """The common name has not counted for years."""
    assert not presented.covers(make("a.example.com").certificate, "a.example.com")


def test_faults_make_a_failure() -> None:
    """All faults in one line; none is a pass without a remedy."""
    assert judged("x", ["a", "b"], "good", "do") == Finding("x", "fail", "a; b", "do")
    assert judged("x", [], "good", "do") == Finding("x", "pass", "good", "")


def test_what_is_late_has_no_entry() -> None:
    """The others are there, in the order of the tasks."""
    never = threading.Event()
    tasks: dict[str, Callable[[], object]] = {"b": lambda: 1, "late": lambda: never.wait(30), "a": lambda: 2}
    assert in_parallel(tasks, 0.3) == {"b": 1, "a": 2}
    assert list(in_parallel({"b": lambda: 1, "a": lambda: 2}, 5)) == ["b", "a"]
    never.set()


def test_a_mistake_in_a_task_is_raised() -> None:
    """A bug is not taken for a silent network."""
    with pytest.raises(ZeroDivisionError):
        in_parallel({"x": lambda: 1 // 0}, 5)


def test_nothing_to_do_takes_no_time() -> None:
    assert in_parallel({}, 5) == {}
