"""That every POST that was answered ran exactly once, as the application's own records say."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.support.traffic.counts import Counts
from tests.support.visitor import Visitor


@dataclass(frozen=True)
class Keys:
    """The idempotency keys of all POSTs that were sent."""

    answered: tuple[str, ...]
    others: tuple[str, ...]
    """Those with another answer than 200, or none: they ran or not, but never twice."""


@dataclass(frozen=True)
class Proof:
    """What the application's records say of the keys."""

    answered: int
    others: int
    others_that_ran: int
    missing: tuple[str, ...]
    """Answered with 200, and not in the records."""
    repeated: dict[str, int]
    """In the records more than once, answered or not."""


def keys_of(counts: Counts) -> Keys:
    pairs = [line.split() for line in Path(counts.keys).read_text().splitlines()]
    answered = tuple(key for key, status in pairs if status == "200")
    return Keys(answered, tuple(key for key, status in pairs if status != "200"))


def proved_once(visitor: Visitor, api: str, counts: Counts) -> Proof:
    """Ask the application: each POST answered 200 ran exactly once, and none more than once; else it fails."""
    keys = keys_of(counts)
    body = json.dumps({"keys": [*keys.answered, *keys.others]}).encode()
    headers = {"Content-Type": "application/json"}
    seen = visitor.ask(api, "/api/records/prove", method="POST", body=body, headers=headers)
    assert seen.status == 200, f"the records were not told: {seen.status} {seen.body[:200]!r}"
    told = json.loads(seen.body)
    missing, repeated = frozenset(told["missing"]), dict(told["repeated"])
    proof = Proof(
        answered=len(keys.answered),
        others=len(keys.others),
        others_that_ran=sum(key not in missing for key in keys.others),
        missing=tuple(key for key in keys.answered if key in missing),
        repeated=repeated,
    )
    assert not proof.missing, f"{len(proof.missing)} answered, but did not run: {proof.missing[:5]}"
    assert not repeated, f"{len(repeated)} ran more than once: {list(repeated.items())[:5]}"
    return proof
