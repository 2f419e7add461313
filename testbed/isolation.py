"""How a host's container is started: enough rights for systemd and Docker in it, as few of the machine as
possible.

The list of capabilities comes first, since `--privileged` also hands the machine's disks and terminals to
the host. Where the machine itself lacks a capability (SYS_RESOURCE in some sandboxes) old engines cannot
give it and new ones cannot drop it, so the ways are tried once per engine with a host that must come up,
and the one that works is remembered.
"""

from testbed.places import HOST_LABEL, HOST_PREFIX, cache_directory, exclusive
from testbed.shell import BedError, Completed, docker, last_lines, say, wait_for

_UNCONFINED = tuple(f"--security-opt={rule}=unconfined" for rule in ("seccomp", "apparmor", "systempaths"))
_LISTED = ("--cap-add=ALL", *_UNCONFINED, "--device-cgroup-rule=a *:* rwm")
WAYS = {
    "capabilities": _LISTED,
    "capabilities without SYS_RESOURCE": (*_LISTED, "--cap-drop=SYS_RESOURCE"),
    "privileged": ("--privileged", *_UNCONFINED[:2]),
}
TEMPORARY = ("--tmpfs=/run", "--tmpfs=/tmp:exec,mode=1777")
"""As systemd mounts them: programs may run in /tmp."""
PROBE_SECONDS = 20


def rights(image: str) -> tuple[str, ...]:
    """Given the host image, the options of `docker create` with which it boots on this engine."""
    engine = docker("info", "--format", "{{.ID}} {{.ServerVersion}}").stdout.strip()
    remembered = cache_directory() / "rights"
    with exclusive("rights"):
        known = remembered.read_text().split("\n") if remembered.exists() else []
        if len(known) == 2 and known[0] == engine and known[1] in WAYS:
            return WAYS[known[1]]
        way = _find(image)
        remembered.write_text(f"{engine}\n{way}")
        return WAYS[way]


def _find(image: str) -> str:
    failures = []
    for way, options in WAYS.items():
        answer = _try(image, options)
        if not answer:
            say(f"hosts are started with: {way}")
            return way
        failures.append(f"{way}: {answer}")
    raise BedError("no way to start a host on this engine:\n" + "\n".join(failures))


def _try(image: str, options: tuple[str, ...]) -> str:
    """Boot a host and remove it again; give what was wrong, or nothing."""
    name = f"{HOST_PREFIX}rights"
    docker("rm", "--force", "--volumes", name, check=False)
    arguments = ("--name", name, "--hostname", name, "--label", HOST_LABEL, *TEMPORARY, *options)
    started = docker("run", "--detach", *arguments, image, check=False)
    try:
        if started.returncode:
            return last_lines(started)
        wait_for(lambda: _booted(name), "systemd in the host", seconds=PROBE_SECONDS)
        return ""
    except BedError as error:
        return f"{error}\n{last_lines(docker('logs', name, check=False))}"
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def _booted(name: str) -> Completed | None:
    answer = docker("exec", name, "systemctl", "is-active", "multi-user.target", check=False)
    return answer if answer.returncode == 0 else None
