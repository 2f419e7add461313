"""The key with which the operator of the tests logs in: made once, with the host image's own ssh-keygen."""

from dataclasses import dataclass
from pathlib import Path

from testbed.images import ensure_image
from testbed.places import cache_directory, exclusive
from testbed.shell import docker

_MAKE = "ssh-keygen -q -t ed25519 -N '' -C operator@testbed -f /tmp/key && cat /tmp/key && echo %% && cat /tmp/key.pub"


@dataclass(frozen=True)
class Identity:
    """A key pair: the private half as a file, the public half as text."""

    private: Path
    public: str


def identity() -> Identity:
    """The bed's key, made if it is not there."""
    private = cache_directory() / "id_ed25519"
    public = private.with_suffix(".pub")
    with exclusive("identity"):
        if not public.exists():
            image = ensure_image("host")
            made = docker("run", "--rm", "--entrypoint", "sh", image, "-c", _MAKE).stdout
            secret, _, shown = made.partition("%%\n")
            private.touch(mode=0o600)
            private.write_text(secret)
            public.write_text(shown)
    return Identity(private, public.read_text().strip())
