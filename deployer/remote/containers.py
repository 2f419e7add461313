"""`containers`: those of the deployment as Docker reports them, with a digest for each value of environment.

The answer is empty where there is no container; else a line of JSON for each, with what Docker's API reports that is of
use to compare, and before them a line with what they are compared with:
- `images`: the configuration of each one's image, by its id: what a container has where its settings name nothing;
- `environment`: the digests of the secrets in .env, by name: what a container got of it is equal to them;
- `injected`: the names of variables that Docker's own configuration gives every container;
- `limits`: the kinds of limits that this kernel enforces; Docker discards the others.

No value of a variable leaves the host. The digest of a secret is keyed with a random key that is forgotten: it can be
compared with the others of the same answer, and with nothing else.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from deployer.remote import dotenv, files
from deployer.remote.docker_api import Object
from deployer.remote.survey.surveyed import Surveyed

CONTAINER = ("Id", "Name", "Image", "State", "Config", "HostConfig", "Mounts", "NetworkSettings")
IMAGE = ("User", "Entrypoint", "Cmd", "Env", "WorkingDir", "Healthcheck", "Volumes")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
PROXIES = (*_PROXIES, *(name.lower() for name in _PROXIES))
CLIENT = Path("/root/.docker/config.json")
CONTROLLERS = Path("/sys/fs/cgroup")
LIMITS = ("memory", "cpu")


@dataclass(frozen=True)
class Digests:
    """How a value of environment is shown: a secret's by a digest with a key of this one answer."""

    words: Sequence[str]
    listed: Sequence[str]
    key: bytes = field(default_factory=lambda: os.urandom(32))

    def is_secret(self, name: str) -> bool:
        return dotenv.is_secret(name, self.words, self.listed)

    def of(self, name: str, value: str) -> str:
        content = dotenv.encoded(value)
        if self.is_secret(name):
            return hmac.new(self.key, content, hashlib.sha256).hexdigest()
        return hashlib.sha256(content).hexdigest()

    def of_list(self, env: Iterable[str] | None) -> dict[str, str]:
        """The digests of Docker's list of NAME=VALUE, by name."""
        pairs = (entry.partition("=") for entry in env or ())
        return {name: self.of(name, value) for name, _, value in pairs}


def containers(host: Surveyed, words: Sequence[str]) -> str:
    """The answer. Raises Failure where Docker does not answer."""
    ids = (str(item["Id"]) for item in host.api.of_project(host.config.name))
    content = files.read(host.config.environment)
    digests = Digests(host.config.secret_words, dotenv.listed_secrets(content))
    found = [_container(item, digests) for item in map(host.api.container, ids) if item]
    if not found:
        return ""
    surroundings: Object = {
        "images": _images(host, sorted({str(item["Image"]) for item in found}), digests),
        "environment": _environment(content, digests),
        "injected": PROXIES if _has_proxies() else (),
        "limits": [limit for limit in LIMITS if _is_enforced(limit)],
    }
    return "\n".join(json.dumps(line, separators=(",", ":")) for line in (surroundings, *found))


def _container(item: Object, digests: Digests) -> Object:
    """What is kept of a container. The log of its checks is the application's own text."""
    kept = {name: item[name] for name in CONTAINER if name in item}
    state, config = _object(kept, "State"), _object(kept, "Config")
    health = {name: value for name, value in _object(state, "Health").items() if name != "Log"}
    networks = {"Networks": _object(kept, "NetworkSettings").get("Networks")}
    env = digests.of_list(cast("list[str] | None", config.get("Env")))
    return {
        **kept,
        "State": {**state, "Health": health},
        "Config": {**config, "Env": env},
        "NetworkSettings": networks,
    }


def _images(host: Surveyed, names: Iterable[str], digests: Digests) -> dict[str, Object]:
    """By id; an image that was removed while its container runs is left out."""
    found = filter(None, map(host.api.image, names))
    return {str(item["Id"]): _image(_object(item, "Config"), digests) for item in found}


def _image(config: Object, digests: Digests) -> Object:
    kept = {name: config[name] for name in IMAGE if name in config}
    return {**kept, "Env": digests.of_list(cast("list[str] | None", config.get("Env")))}


def _environment(content: bytes, digests: Digests) -> Mapping[str, str]:
    """The last entry of a name counts, as for Compose; empty where it is not certain what Compose makes of it."""
    secret = (entry for entry in dotenv.entries(content) if entry.name and digests.is_secret(entry.name))
    return {item.name: digests.of(item.name, item.value) if item.is_literal else "" for item in secret}


def _has_proxies() -> bool:
    """Whether Docker's client gives containers the proxies of its own configuration."""
    try:
        return bool(_object(json.loads(files.read(CLIENT) or b"{}"), "proxies"))
    except (ValueError, AttributeError):
        return False


def _is_enforced(limit: str) -> bool:
    """With cgroup v2 a controller of the root group, with v1 a hierarchy of its own."""
    unified = CONTROLLERS / "cgroup.controllers"
    return limit in unified.read_text().split() if unified.exists() else (CONTROLLERS / limit).is_dir()


def _object(holding: Object, name: str) -> Object:
    return cast("Object | None", holding.get(name)) or {}
