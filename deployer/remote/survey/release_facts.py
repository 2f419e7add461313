"""The commit of the release that serves: that of the backend which the proxy's upstream file names, or of the log."""

import re
from collections.abc import Sequence

from deployer.remote import files
from deployer.remote.docker_api import label
from deployer.remote.survey.surveyed import Surveyed, printed_by

BACKEND = re.compile(r"^upstream backend .*?^\}", re.MULTILINE | re.DOTALL)
SERVER = re.compile(r"^ *server ([^:]*):", re.MULTILINE)
RECORDED = re.compile(r'.*"commit": "([0-9a-f]*)".*"result": "(?:deployed|restored)"')


def serving(host: Surveyed, words: Sequence[str]) -> str:
    """`serving SCRIPT`: the commit; where there is none, what the script prints."""
    return _commit(host) or (printed_by(words[0]) if words[0] else "")


def unless_serving(host: Surveyed, words: Sequence[str]) -> str:
    """`unless-serving SCRIPT`: what it prints; empty, and the script is not run, where a release serves."""
    return "" if _commit(host) else printed_by(words[0])


def _commit(host: Surveyed) -> str:
    """A missing container is not an error, and then the log counts; a Docker that does not answer is."""
    return _of_container(host, _named(host)) or _recorded(host)


def _named(host: Surveyed) -> str:
    """The first backend in the proxy's upstream file; empty where there is none."""
    upstreams = files.read(host.config.nginx / "conf.d" / f"{host.config.name}.upstreams").decode(errors="replace")
    block = BACKEND.search(upstreams)
    server = SERVER.search(block[0]) if block else None
    return server[1] if server else ""


def _of_container(host: Surveyed, name: str) -> str:
    if not name:
        return ""
    found = (item for item in host.api.containers() if f"/{name}" in (item.get("Names") or ()))  # type: ignore[operator]
    return next((label(item, "deployer.commit") for item in found), "")


def _recorded(host: Surveyed) -> str:
    log = files.read(host.config.state / "releases.jsonl").decode(errors="replace").split("\n")
    return next((found[1] for line in reversed(log) if (found := RECORDED.match(line))), "")
