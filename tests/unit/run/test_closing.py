"""What stands at the end of a run that changed a site."""

from collections.abc import Mapping

import pytest

from deployer.commands.verify import _count
from deployer.run.closing import show_way_on
from deployer.verify.findings import failed, passed, warned
from tests.unit.commands.fakes import FakeTransport, choices, inventory, run_on

HOST = inventory()


def shown(undo: str = "", *, changed: bool = True, given: Mapping[str, bool] | None = None) -> str:
    run, kept = run_on(HOST, FakeTransport(), choices(**(given or {})))
    if changed:
        run.verdicts.add("changed")
    show_way_on(run, undo)
    return "".join(text for _, _, text in kept.told)


def test_after_a_change() -> None:
    """Addresses, how a browser gets there, the commands that come next, and the one that takes it back."""
    text = shown("rollback")
    assert "https://wallet.example.com is up; its API is https://api.wallet.example.com." in text
    assert "192.0.2.1 wallet.example.com api.wallet.example.com" in text
    assert "deployer status --host web" in text
    assert text.splitlines()[-1] == "Undo:  deployer rollback --host web"
    assert "Undo" not in shown()


@pytest.mark.parametrize("given", [{"dry_run": True}, {"quiet": True}])
def test_not_shown(given: dict[str, bool]) -> None:
    """Nor where nothing changed."""
    assert shown(given=given) == shown(changed=False) == ""


def test_checks_are_counted() -> None:
    run, kept = run_on(HOST, FakeTransport(), choices())
    _count(run, (passed("a", "x"), passed("b", "x"), warned("c", "x", "y"), failed("d", "x", "y")))
    ((event, counts, text),) = kept.told
    assert (event, counts) == ("checks", {"pass": 2, "warning": 1, "fail": 1})
    assert text.strip() == "2 passed, 1 with a warning, 1 failed"
