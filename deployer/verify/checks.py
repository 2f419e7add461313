"""One finding: what was looked at, whether it is as it should be, what was seen, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "warning"]


@dataclass(frozen=True)
class Check:
    """`evidence` says what was seen, in words; `remedy` is empty where nothing is to be done."""

    name: str
    verdict: Verdict
    evidence: str
    remedy: str = ""


def passed(name: str, evidence: str) -> Check:
    return Check(name, "pass", evidence)


def failed(name: str, evidence: str, remedy: str) -> Check:
    return Check(name, "fail", evidence, remedy)


def warned(name: str, evidence: str, remedy: str) -> Check:
    return Check(name, "warning", evidence, remedy)


def judged(name: str, faults: Iterable[str], good: str, remedy: str) -> Check:
    """Fail with all faults in one line, or pass with `good` when there is none."""
    found = "; ".join(faults)
    return failed(name, found, remedy) if found else passed(name, good)
