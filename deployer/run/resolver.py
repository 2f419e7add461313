"""Questions to the name servers, answered as facts."""

import ipaddress
from collections.abc import Callable, Mapping

from deployer.engine.facts import Answer, Resolve
from deployer.inventory.model import Inventory


def resolver(host: Inventory) -> Callable[[tuple[Resolve, ...]], Mapping[Resolve, Answer]]:
    """Returns a function that answers with one address a line; an address is its own answer."""

    def answer(questions: tuple[Resolve, ...]) -> Mapping[Resolve, Answer]:
        names = tuple(question.name for question in questions if not _is_address(question.name))
        found = _look_up(host, names) if names else {}
        return {question: found.get(question.name, Answer(question.name)) for question in questions}

    return answer


def _look_up(host: Inventory, names: tuple[str, ...]) -> Mapping[str, Answer]:
    from deployer.verify.dns import resolve  # imports dnspython: 40 ms that a run without such a question does not pay

    answers = resolve(names, host.site.nameservers or None)
    return {
        name: Answer("", 1, found) if isinstance(found, str) else Answer("\n".join((*found.v4, *found.v6)))
        for name, found in answers.items()
    }


def _is_address(name: str) -> bool:
    if name == "local":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
