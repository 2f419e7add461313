"""The proxy's upstream file, as text: which containers serve, by service.

upstream backend {
    server NAME-backend-api-1:8000 resolve max_fails=0;
}
"""

import re
from collections.abc import Mapping, Sequence

from deployer.remote.release.service import Service

SERVER = re.compile(r"^ *server ([^:\s]+):.*$", re.MULTILINE)


def named(text: str, service: Service) -> tuple[str, ...]:
    """The containers that serve for a service; none where the file has no such upstream."""
    return tuple(SERVER.findall(_block(text, service)))


def rewritten(text: str, servers: Mapping[Service, Sequence[str]]) -> str:
    """The file with these containers, by service, in place of those that it names: a release is switched at once.

    A server keeps its line: an older release may have had another port.
    """
    known = {match[1]: match[0] for match in SERVER.finditer(text)}
    for service, names in servers.items():
        lines = "\n".join(known.get(name) or _line(service, name) for name in names)
        block = _block(text, service)
        text = text.replace(block, _replaced(block, lines), 1) if block else text
    return text


def _line(service: Service, name: str) -> str:
    return f"    server {name}:{service.port} resolve max_fails=0;"


def _block(text: str, service: Service) -> str:
    found = re.search(rf"^upstream {re.escape(service.upstream)} \{{.*?^\}}", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def _replaced(block: str, lines: str) -> str:
    """The first server becomes the new lines, the others go; what else is in the block stays."""
    first, *rest = SERVER.finditer(block)
    for match in reversed(rest):
        block = block[: match.start()] + block[match.end() + 1 :]
    return block[: first.start()] + lines + block[first.end() :]
