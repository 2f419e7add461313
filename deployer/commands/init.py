"""`init NAME`: write a new host's inventory file from options and answers, valid from the start."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from deployer.errors import UsageError
from deployer.inventory.create import Answers, Setting, create
from deployer.inventory.host_files import host_name
from deployer.run.command import INVENTORY, JSON, QUIET, VERBOSE, Choices, Command, Option
from deployer.run.host_run import report_for
from deployer.run.hosts import inventory_directory
from deployer.run.prompts import ask, can_ask

KEYS = {
    "user": "ssh.user",
    "identity-file": "ssh.identity_file",
    "gateway": "ssh.gateway",
    "api-domain": "site.api_domain",
    "repository": "source.repository",
    "ref": "source.ref",
    "tls": "tls.mode",
}
"""Options that go into the file unchanged, and the key of each."""

QUESTIONS = {
    "address": "The server's address (SSH)",
    "domain": "The site's domain, such as wallet.example.com",
    "email": "The e-mail address for Let's Encrypt",
}


def init(choices: Choices) -> int:
    directory, name = inventory_directory(choices), _name(choices)
    _refuse_other(directory / f"{name}.toml")
    answers = _complete(choices)
    file, secrets = create(
        directory, name, Answers(answers["address"], answers["domain"], answers["email"], _further(choices))
    )
    fields: dict[str, object] = {"host": name, "file": str(file), "secrets": str(secrets)}
    report_for(choices).data("init", fields, "\n".join(_next_steps(choices, name, file, secrets)))
    return 0


def _name(choices: Choices) -> str:
    name = choices.text("name")
    if not name:
        raise UsageError("the host's name is missing", remedy="run deployer init NAME, for example deployer init prod")
    return host_name(name)


def _refuse_other(file: Path) -> None:
    """Before any question; `create` checks once more when it writes."""
    for path in (file, file.with_suffix(".env")):
        if os.path.lexists(path):
            raise UsageError(f"{path} already exists", remedy="edit it, or choose another name")


def _complete(choices: Choices) -> dict[str, str]:
    """What must be known, asked for where no option gives it. Raises UsageError where nobody can be asked."""
    given = {key: choices.text(key) for key in QUESTIONS}
    missing = tuple(key for key, value in given.items() if not value and _is_needed(choices, key))
    if missing and not can_ask(choices):
        options = " ".join(f"--{key} …" for key in missing)
        raise UsageError(
            "\n".join(f"--{key} is missing: {QUESTIONS[key]}" for key in missing),
            remedy=f"run deployer init {choices.text('name')} {options}, or run it in a terminal to be asked",
        )
    return given | {key: ask(QUESTIONS[key]) for key in missing}


def _is_needed(choices: Choices, key: str) -> bool:
    return key != "email" or (choices.text("tls") or "letsencrypt") == "letsencrypt"


def _further(choices: Choices) -> dict[str, Setting]:
    given: dict[str, Setting] = {KEYS[name]: text for name in KEYS if (text := choices.text(name))}
    port = choices.number("port")
    return {"ssh.port": port, **given} if port else given


def _next_steps(choices: Choices, name: str, file: Path, secrets: Path) -> Iterator[str]:
    where = choices.text("inventory")
    at = f"--host {name}" + (f" --inventory {shlex.quote(where)}" if where else "")
    yield f"Wrote {file}. Secrets that you want to supply go into {secrets} (none is needed)."
    yield "Next:"
    yield f"  deployer trust {at}                  compare the server's host key and pin it"
    yield f"  deployer bootstrap {at}              only if nobody but root can log in so far"
    yield f"  deployer provision {at} --dry-run    show what would change; nothing is written"
    yield f"  deployer provision {at}"


COMMAND = Command(
    init,
    (
        Option("address", "the server's address: a name, IPv4 or IPv6, or local for this machine"),
        Option("user", "the user that logs in and has sudo; default: deploy"),
        Option("port", "the port of its sshd; default: 22", int),
        Option("identity-file", "private key to log in with; default: those of the agent and of ~/.ssh/config"),
        Option("gateway", "jump host, as user@host:port"),
        Option("domain", "the site's domain"),
        Option("api-domain", "the API's domain; default: api.DOMAIN"),
        Option("email", "e-mail address for Let's Encrypt"),
        Option("repository", "git repository of the application"),
        Option("ref", "branch, tag or commit; default: main"),
        Option(
            "tls", "letsencrypt (default), self-signed or provided", values=("letsencrypt", "self-signed", "provided")
        ),
        INVENTORY,
        JSON,
        VERBOSE,
        QUIET,
    ),
    Option("name", "the host's name: a-z, 0-9 and -"),
    argument_needed=True,
    examples=(
        "prod --address 203.0.113.10 --domain wallet.example.com --email admin@example.com",
        "lab --address local --domain wallet.lab.test --tls self-signed",
    ),
)
