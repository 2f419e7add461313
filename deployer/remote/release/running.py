"""The containers of a release. One serves when the proxy's upstream file names it and it runs.

All others of its service are left over from an interrupted run or, between the switch and the end, those to go back to.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from deployer.remote import files, output
from deployer.remote.docker import running as running_ids
from deployer.remote.failure import Failure
from deployer.remote.host import Host
from deployer.remote.process import Result
from deployer.remote.release.service import Service
from deployer.remote.release.upstreams import named

CREATE_SECONDS = 600.0
STOP_SECONDS = 30
"""After which Docker ends what does not stop by itself."""


def upstream_file(host: Host) -> Path:
    return host.config.nginx / "conf.d" / f"{host.config.name}.upstreams"


def upstream_text(host: Host) -> str:
    return files.read(upstream_file(host)).decode()


def of_service(host: Host, service: Service, *filters: str) -> tuple[str, ...]:
    """The names of all its containers, or of those that Docker's filters let through."""
    labels = (
        f"label=com.docker.compose.project={host.config.name}",
        f"label=com.docker.compose.service={service.name}",
    )
    words = (f"--filter={each}" for each in (*labels, *filters))
    return tuple(succeeded(host.docker("ps", "--all", *words, "--format={{.Names}}")).text.split())


def serving(host: Host, service: Service) -> tuple[str, ...]:
    """Those that run and that the upstream file names."""
    wanted = named(upstream_text(host), service)
    return tuple(name for name in of_service(host, service, "status=running") if name in wanted)


def unnamed(host: Host, service: Service) -> tuple[str, ...]:
    """Those that the upstream file does not name."""
    wanted = named(upstream_text(host), service)
    return tuple(name for name in of_service(host, service) if name not in wanted)


def of_kind(host: Host, service: Service, names: Iterable[str]) -> tuple[str, ...]:
    """Of these containers those of the service, by Compose's way to name them."""
    return tuple(name for name in names if name.startswith(f"{host.config.name}-{service.name}-"))


def start_new(host: Host, service: Service, before_gap: Callable[[], None]) -> tuple[str, ...]:
    """New containers alongside those that there are. They are created first: `up` would start a stopped one as well.

    `before_gap` is called where the old ones have to stop for them: nobody serves from then on.
    """
    former = of_service(host, service)
    succeeded(host.docker("tag", service.image, f"{service.repository}:current"))
    result = _create(host, service, len(former) + service.replicas)
    new = tuple(name for name in of_service(host, service) if name not in former)
    if not new:
        raise Failure(f"Docker did not create a new container for {service.name}:\n{result.last_lines}")
    old = () if service.overlap else serving(host, service)
    if old:
        output.say(
            f"stopping the old {service.name} first (overlap = false): it does not answer until the new is healthy"
        )
        before_gap()
        stop(host, old)
    succeeded(host.docker("start", *new))
    output.say(f"{service.name}: {' '.join(new)}")
    return new


def _create(host: Host, service: Service, count: int) -> Result:
    root = host.config.root
    compose = ("compose", "--project-directory", root, "-f", f"{root}/docker-compose.yml", "create")
    options = ("--no-build", "--no-recreate", "--pull=never", f"--scale={service.name}={count}")
    return host.docker(*compose, *options, service.name, limit=CREATE_SECONDS)


def start(host: Host, names: Sequence[str]) -> None:
    if names:
        succeeded(host.docker("start", *names))


def stop(host: Host, names: Sequence[str]) -> None:
    if names:
        succeeded(host.docker("stop", f"--time={STOP_SECONDS}", *names, limit=CREATE_SECONDS))


def remove(host: Host, names: Sequence[str]) -> None:
    """Running or not."""
    if names:
        succeeded(host.docker("rm", "--force", *names))


def start_stopped(host: Host, service: Service) -> None:
    """A container that must not run twice was stopped for a new one that never served: the proxy still names it."""
    wanted = named(upstream_text(host), service)
    start(host, [name for name in of_service(host, service, "status=exited") if name in wanted])


def proxy_runs(host: Host) -> bool:
    return bool(running_ids(host.docker, host.config.name, "nginx"))


def succeeded(result: Result) -> Result:
    """Raises Failure with what Docker printed."""
    if not result.succeeded:
        raise Failure(f"Docker refuses:\n{result.last_lines}")
    return result
