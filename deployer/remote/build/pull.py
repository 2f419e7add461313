"""Pulls one image, and removes those of the same repository that no release needs any more."""

from deployer.remote import output
from deployer.remote.docker import Docker
from deployer.remote.failure import Failure

SECONDS = 3500.0
NONE = "<none>"


def pull(docker: Docker, reference: str, name: str) -> None:
    """`reference` is NAME:TAG or NAME@DIGEST; `name` is how releases call it, without a tag. Raises Failure."""
    pulled = docker("pull", "--quiet", reference, limit=SECONDS)
    if not pulled.succeeded:
        login = f"sudo docker login {reference.partition('/')[0]}"
        raise Failure(
            f"{pulled.last_lines}\nif the registry requires a login, log in once on the host as root: {login}"
        )
    output.say(pulled.text)
    _remove_others(docker, reference, name)


def _remove_others(docker: Docker, reference: str, name: str) -> None:
    """One that a container uses is refused by Docker, and stays."""
    kept = _printed(docker, "image", "ls", "--no-trunc", "--format={{.ID}}", f"--filter=reference={name}:*")
    kept += _printed(docker, "image", "inspect", "--format={{.Id}}", reference)
    repository = reference.partition("@")[0] if "@" in reference else reference.rpartition(":")[0]
    form = "--format={{.ID}} {{.Tag}} {{.Digest}}"
    for line in _printed(docker, "image", "ls", "--no-trunc", "--digests", form, repository):
        identity, tag, digest = line.split(" ")
        if identity not in kept:
            others = (f"{repository}:{tag}" if tag != NONE else "", f"{repository}@{digest}" if digest != NONE else "")
            for other in filter(None, others):
                docker("rmi", other)


def _printed(docker: Docker, *words: str) -> list[str]:
    """The lines. Raises Failure where Docker fails: without an answer nothing is removed."""
    result = docker(*words)
    if not result.succeeded:
        raise Failure(result.last_lines)
    return result.text.splitlines()
