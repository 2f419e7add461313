"""One finding of a check: its verdict, the evidence, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "warning"]


@dataclass(frozen=True)
class Finding:
    """`evidence` is what was observed, in words; `remedy` is empty where there is nothing to do."""

    name: str
    verdict: Verdict
    evidence: str
    remedy: str = ""


Findings = tuple[Finding, ...]


def passed(name: str, evidence: str) -> Finding:
    return Finding(name, "pass", evidence)


def failed(name: str, evidence: str, remedy: str) -> Finding:
    return Finding(name, "fail", evidence, remedy)


def warned(name: str, evidence: str, remedy: str) -> Finding:
    return Finding(name, "warning", evidence, remedy)


def judged(name: str, faults: Iterable[str], good: str, remedy: str) -> Finding:
    """Fail with all faults in one line, or pass with `good` when there is none."""
    found = "; ".join(faults)
    return failed(name, found, remedy) if found else passed(name, good)
