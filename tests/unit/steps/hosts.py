"""What two hosts answer to every question: one that is as it shall be, and one as a vendor hands it out."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from deployer import __version__
from deployer.engine.facts import Answer
from deployer.engine.step import Step
from deployer.inventory.model import Inventory
from deployer.releases import building
from deployer.releases.calls import services
from deployer.releases.images import tags
from deployer.releases.latest_commit import AtLatestCommit
from deployer.releases.log import Release
from deployer.releases.serving import configuration
from deployer.resources.files import Directory
from deployer.resources.services import CLOCKS
from deployer.site import compose
from deployer.site.compose import BACKEND, DATABASE, PROXY, WALLET
from deployer.site.env import lines, restics, secret_names
from deployer.site.inspected import a_text, words
from deployer.steps import (
    backup,
    certificates,
    containers,
    database,
    directories,
    docker_daemon,
    docker_engine,
    environment,
    firewall,
    host_program,
    images,
    latest_commit,
    network,
    nginx,
    offsite,
    packages,
    preflight,
    proxy_container,
    release,
    schedules,
    source,
)
from deployer.steps import compose as compose_step
from tests.support.fakes import as_wanted, planned, whys

Answers = dict[str, str]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NEWER = "f" * 40
"""What the ref has become on a host that is to be updated."""
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
UBUNTU = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n'
IDS = {BACKEND: "sha256:aaa", WALLET: "sha256:bbb", PROXY: "sha256:ccc", DATABASE: "sha256:ddd"}
USER = "1000:1000"


def listening(port: int, process: str) -> str:
    """A line of `ss -Hltnp`."""
    return f'LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* users:(("{process}",pid=7,fd=6))\n'


def container(host: Inventory, service: str, number: int = 1, **other: str) -> str:
    """A line about a container that is as it shall be, but for what is given; of images it says nothing."""
    told = {
        "name": f"/{host.name}-{service}-{number}",
        "state": "running",
        "health": "" if service == PROXY else "healthy",
        "config": compose.config_digests(host)[service],
        "image": IDS[service],
        "restart": "unless-stopped",
        **other,
    }
    labels = {"com.docker.compose.service": service, compose.CONFIG_LABEL: told["config"]}
    settings = compose.services(host)[service]
    ports = [port.split(":") for port in words(settings, "ports")]
    address = a_text(settings, "networks", "default", "ipv4_address")
    limits = {
        "RestartPolicy": {"Name": told["restart"]},
        "SecurityOpt": settings["security_opt"],
        "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/sys"],
        "PortBindings": {f"{inner}/tcp": [{"HostIp": ip, "HostPort": port}] for ip, port, inner in ports},
    }
    report = {
        "Name": told["name"],
        "Image": told["image"],
        "State": {"Status": told["state"], "Health": {"Status": told["health"], "FailingStreak": 1}},
        "Config": {"Image": settings["image"], "Labels": labels},
        "HostConfig": limits,
        "Mounts": [_mount(*volume.split(":")) for volume in words(settings, "volumes")],
        "NetworkSettings": {"Networks": {host.network_name: {"IPAMConfig": {"IPv4Address": address}}}},
    }
    return json.dumps(report) + "\n"


def _mount(source: str, destination: str, mode: str = "rw") -> dict[str, object]:
    return {"Type": "bind", "Source": source, "Destination": destination, "RW": mode == "rw"}


def all_containers(host: Inventory) -> str:
    backends = (container(host, BACKEND, number) for number in range(1, host.backend.replicas + 1))
    others = (WALLET, PROXY, DATABASE) if host.postgres.enabled else (WALLET, PROXY)
    return "".join((*backends, *(container(host, service) for service in others)))


def pair(host: Inventory, *, without: str = "", **other: str) -> str:
    """What is told of a certificate and its key."""
    told = {
        "certificate": "c1",
        "key": "k1",
        "names": ",".join(host.names),
        "lasts": "yes",
        "pair": "yes",
        **other,
    }
    return "".join(f"{name}={value}\n" for name, value in told.items() if name != without)


def directory_lines(wanted: tuple[Directory, ...]) -> str:
    return "".join(f"{item.path}|{item.mode:o}|{item.owner or USER}\n" for item in wanted)


def env(host: Inventory, digests: Mapping[str, str] | None = None) -> str:
    """.env as the host shows it."""
    known = digests or {}
    secrets = (f"{name}=[secret kept {known.get(name, '')}]" for name in secret_names(host))
    return "\n".join(("600 root:root", environment.MARKER, *secrets, *lines(host))) + "\n"


def built(host: Inventory, *services: str, commit: str = COMMIT, ids: Mapping[str, str] = IDS) -> str:
    """The images of these services, under the names of this commit and of today's settings."""
    return "".join(f"{tag} {ids[service]}\n" for service, tag in tags(host, commit).items() if service in services)


def current(host: Inventory, *services: str, ids: Mapping[str, str] = IDS) -> str:
    """Their names `current`."""
    return "".join(f"{compose.image(host, service)}:current {ids[service]}\n" for service in services)


def chosen(host: Inventory, backends: int | None = None) -> str:
    """The containers that the proxy's upstream file names."""
    numbers = range(1, (backends or host.backend.replicas) + 1)
    return "".join((*(f"{host.name}-{BACKEND}-{number}\n" for number in numbers), f"{host.name}-{WALLET}-1\n"))


def recorded(host: Inventory, result: str = "deployed", **other: object) -> str:
    """The line of the release that serves, but for what is given."""
    told = Release(
        "20260101_000000-0123456",
        "2026-01-01T00:00:00Z",
        host.source.ref,
        COMMIT,
        configuration(host),
        result,
        images=IDS,
        tags=tags(host, COMMIT),
    )
    return json.dumps({**asdict(told), **other}) + "\n"


def history(current: str = "", *served: str, damaged: int = 0, kept: tuple[str, ...] = ()) -> str:
    """What is told of the log: by itself the line of the release that serves, which is kept."""
    names = served or ((json.loads(current)["id"],) if current else ())
    lines = (*(f"served {name}" for name in names), *(f"kept {name}" for name in kept or names))
    return "\n".join((str(damaged), current.rstrip("\n"), *lines)) + "\n"


def kept(host: Inventory, *ids: str, commit: str = COMMIT) -> str:
    """The services of the releases that are kept."""
    told = services(host, tags(host, commit)).splitlines()
    return "".join(f"{name} {line}\n" for name in ids for line in told)


CAPACITY = {"memory": "4000", "disk": "40000 /var/lib/docker"}
"""MiB: more than enough for a build."""

LOADED = "configuration=loaded\ncertificate=loaded\n"
RULES = "".join(f"allow tcp {port} 0.0.0.0/0 any 0.0.0.0/0 in\n" for port in (22, 80, 443))
LIVE = "".join(f"-p tcp -m tcp --dport {port} -j ACCEPT\n" for port in (22, 80, 443))


def converged(step: Step, host: Inventory) -> Answers:
    """The answers of a host on which there is nothing to do."""
    if isinstance(step, AtLatestCommit):
        return converged(step.step, host)
    if step == release:
        parts: tuple[Step, ...] = (environment, compose_step, nginx, database, containers)
        return {key: answer for part in parts for key, answer in converged(part, host).items()}
    made: dict[Step, Answers] = {
        preflight: {
            **_prerequisites(host),
            "listeners": listening(80, "docker-proxy") + listening(443, "docker-proxy"),
            "publishers": f"{host.name} 0.0.0.0:80->80/tcp, 0.0.0.0:443->443/tcp\n{host.name} 8000/tcp\n",
        },
        packages: {"installed": "\n".join(packages.wanted(host)), "half": ""},
        host_program: {
            "version": __version__,
            "directories": directory_lines(host_program.directories(host)),
            **{name: as_wanted(file) for name, file in host_program.files(host).items()},
        },
        docker_engine: {
            "os": DEBIAN,
            "architecture": "amd64",
            "engine": "29.1.3",
            "compose": "2.40.3",
            "key": "present",
        },
        docker_daemon: {
            "file": json.dumps(docker_daemon.settings(host)),
            "stale": "",
            "enabled": "enabled",
            "active": "active",
            "groups": "deploy sudo docker",
            "image": "ccc",
        },
        network: {
            "network": f"bridge {host.network.subnet} {network.dynamic_range(host)} \n",
            "routes": f"10.0.0.0/24 eth0\n{host.network.subnet} br-1\n",
        },
        source: {
            "origin": host.source.repository,
            "commit": COMMIT,
            "local changes": "",
            "tracked secrets": "",
            "running": COMMIT,
            "remote": "",
        },
        directories: {"directories": directory_lines(directories.directories(host))},
        environment: {"env": env(host), "remains": "", "containers": all_containers(host)},
        compose_step: {name: as_wanted(file) for name, file in compose_step.files(host).items()},
        nginx: {
            **{name: as_wanted(file) for name, file in nginx.files(host).items()},
            "upstreams": "present",
            "containers": all_containers(host),
            "loaded": LOADED,
        },
        certificates: _certificates(host),
        firewall: {
            "ssh": "22",
            "rules": RULES,
            "live": LIVE,
            "enabled": "yes",
            "policy": '"DROP"',
            "boot": "enabled",
            "undo": "inactive",
        },
        images: {
            **{name: as_wanted(file) for name, file in building.files(host).items()},
            **_images(host),
            **_held(host),
            **CAPACITY,
        },
        database: _database(host),
        containers: _containers(host),
        proxy_container: {"containers": all_containers(host)},
        latest_commit: {
            "serving": COMMIT,
            "containers": all_containers(host),
            "latest": f"{COMMIT}\nknown\n",
            "local changes": "",
        },
        backup: {
            **{name: as_wanted(file) for name, file in backup.files(host).items()},
            "directories": directory_lines(backup.directories(host)),
        },
        offsite: {
            **{name: as_wanted(file) for name, file in offsite.files(host).items()},
            "credentials": credentials(host),
        },
        schedules: {
            **{name: as_wanted(file) for name, file in schedules.files(host).items()},
            "enabled": "enabled",
            "active": "active",
        },
    }
    return made[step]


def credentials(host: Inventory) -> str:
    """What restic needs, as the host shows it: digests."""
    if not host.backup.offsite:
        return ""
    told = (f"{name} {hashlib.sha256(value.encode()).hexdigest()}\n" for name, value in restics(host).items())
    return "600 root:root\n" + "".join(told)


def behind(step: Step, host: Inventory) -> Answers:
    """The answers of a converged host whose ref has become another commit, which nobody has fetched yet."""
    told = converged(step, host)
    if step == latest_commit:
        return {**told, "latest": f"{NEWER}\nnew\n"}
    if isinstance(step, AtLatestCommit):
        return {**told, "commit": f"{NEWER}\nnew\n"}
    return {**told, "commit": NEWER} if "commit" in told else told


def fresh(step: Step, host: Inventory) -> Answers:
    """The answers of a bare Debian 13: nothing is there, and Docker was never installed."""
    told: dict[Step, Answers] = {
        preflight: _prerequisites(host),
        packages: {"installed": "ca-certificates\niproute2"},
        docker_engine: {"os": DEBIAN, "architecture": "amd64"},
        docker_daemon: {"groups": "deploy sudo"},
        network: {"routes": "203.0.113.0/24 eth0"},
        environment: {},
        firewall: {"ssh": "22"},
        images: {"memory": "7000"},
    }
    return {key: told.get(step, {}).get(key, "") for key in step.probes(host)}


def _prerequisites(host: Inventory) -> Answers:
    return {
        "os": DEBIAN,
        "architecture": "x86_64",
        "memory": "8000000",
        "processors": "4",
        "disk": "/dev/vda1 60000000 10000000 47000000 18% /\n/dev/vda1 60000000 10000000 47000000 18% /\n",
        **{f"clock {name}": "inactive" for name in CLOCKS},
        "clock chrony": "active",
        "cloud-init": "",
        "apt": "",
        "systemd": "yes",
        "listeners": "",
        "publishers": "",
        "addresses": "203.0.113.10/24\n2001:db8::10/64",
        **{f"name {name}": "203.0.113.10" for name in (*host.names, host.ssh.address)},
    }


def _certificates(host: Inventory) -> Answers:
    files = certificates._files(host)
    return {
        "source": pair(host),
        "installed": pair(host),
        "modes": "644 root:root\n600 root:root\n",
        "containers": all_containers(host),
        "loaded": LOADED,
        "timer": "masked",
        "server": host.tls.acme_server,
        **{name: as_wanted(file) for name, file in files.items()},
    }


def _images(host: Inventory) -> Answers:
    return {"commit": COMMIT, "images": built(host, BACKEND, WALLET) + current(host, BACKEND, WALLET)}


def _held(host: Inventory) -> Answers:
    """What is asked where images are sent to the host: its kind, and the layers of its images."""
    return {"machine": "x86_64", "held": ""} if host.build.where == "operator" else {}


def _database(host: Inventory) -> Answers:
    told = {"containers": all_containers(host)}
    return {**told, "env": env(host), "remains": "", **AT_HOME} if host.postgres.enabled else told


AT_HOME = {"database": "data=15\nimage=present 15\nlogin=accepted\n"}
"""What is told of a database that is as it shall be."""


def _containers(host: Inventory) -> Answers:
    return {
        **_images(host),
        "env": env(host),
        "remains": "",
        "containers": all_containers(host),
        "chosen": chosen(host),
        "user": f"{IDS[BACKEND]} {USER}\n",
        "owners": f"{USER}\n{USER}\n",
        "begun": "",
        "planted": "",
        "history": history(recorded(host)),
    }


def drifted(step: Step, host: Inventory, **differing: Answer | str) -> list[str]:
    """What is done on a host that is as it shall be but for some answers (`_` stands for a space in their names)."""
    answers: dict[str, Answer | str] = dict(converged(step, host))
    for key, answer in differing.items():
        name = key if key in answers else key.replace("_", " ")
        assert name in answers, f"{name} is not asked"
        answers[name] = answer
    return whys(planned(step, host, answers))
