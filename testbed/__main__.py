"""The test bed for people: `python -m testbed prepare | up NAME | down NAME | list | clean`."""

import argparse
import sys

from testbed.bed import Bed, prepare
from testbed.host import TestHost, leftovers, remove, remove_leftovers
from testbed.images import remove_images
from testbed.places import HOST_PREFIX
from testbed.service import stop_services
from testbed.shell import BedError, docker
from testbed.variants import Variant


def main() -> int:
    """Do what the command line says; a BedError becomes a message."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "prepare":
            _show_bed(prepare())
        elif arguments.command == "up":
            _up(arguments.name, Variant(ssh_port=arguments.port, user=arguments.user))
        elif arguments.command == "down":
            remove(f"{HOST_PREFIX}{arguments.name}")
        elif arguments.command == "list":
            _list()
        else:
            print(f"removed {remove_leftovers()} hosts")
            print(f"removed the services: {', '.join(stop_services()) or 'none'}")
            print(f"removed {remove_images() if arguments.images else 0} images")
    except BedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed", description="Throwaway servers on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="start the engine and the services, build the images")
    up = commands.add_parser("up", help="boot a host")
    up.add_argument("name")
    up.add_argument("--port", type=int, default=22, help="where its sshd listens")
    up.add_argument("--user", default="deploy", help="who may log in and use sudo; empty: only root")
    commands.add_parser("down", help="remove a host").add_argument("name")
    commands.add_parser("list", help="the hosts of this checkout")
    clean = commands.add_parser("clean", help="remove all hosts of this checkout, and the services")
    clean.add_argument("--images", action="store_true", help="the images too, as far as no container uses them")
    return parser


def _show_bed(bed: Bed) -> None:
    print(f"apt cache          {bed.apt_cache.url}")
    print(f"registry           {bed.registry.endpoint.url}")
    print(f"registry_mirrors   {list(bed.registry.mirrors)}")


def _up(name: str, variant: Variant) -> None:
    bed = prepare()
    _show_bed(bed)
    host = bed.boot(name, variant=variant)
    _show_host(host)


def _show_host(host: TestHost) -> None:
    print(f"host               {host.name} {host.address}")
    print(f"identity_file      {host.identity_file}")
    print(f"known_hosts        {host.known_hosts_line}", end="")
    print(f"log in             ssh -i {host.identity_file} -p {host.port} {host.user}@{host.address}")


def _list() -> None:
    form = "{{.Name}} {{.State.Status}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    for identifier in leftovers():
        print(docker("inspect", "--format", form, identifier).stdout.strip().removeprefix("/"))


if __name__ == "__main__":
    sys.exit(main())
