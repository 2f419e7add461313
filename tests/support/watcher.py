"""Notes what every process of a host is started with: `watcher.py INIT CONTAINER host|containers`, until input ends.

Runs beside the host with the machine's own process ids. The kernel tells of every exec (proc connector, cn_proc.h), so
that processes of a millisecond are seen too and nothing is done meanwhile. Only where it does not (the machine is
itself a container) all processes are looked at again and again. Prints `events` or `looks`, and at the end what it saw.
"""

import contextlib
import ctypes
import os
import select
import socket
import struct
import sys

NETLINK_CONNECTOR, CN_IDX_PROC, LISTEN, NLMSG_DONE = 11, 1, 1, 3
NONE, EXEC = 0, 2
"""Kinds of events: the answer to the request, and a process that has become another program."""
KIND, PID = 36, 56
"""Where they stand in a message: after the headers of netlink (16 bytes) and of the connector (20)."""
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
PAUSE = 0.02


class Watcher:
    def __init__(self, init: str, container: str, containers: bool) -> None:
        self.space, self.container, self.containers = space_of(init), container, containers
        self.seen: set[bytes] = set()

    def note(self, pid: str) -> None:
        """The arguments first: the process may be gone at once. The environment counts outside of containers only."""
        with contextlib.suppress(OSError):
            words = whole(f"/proc/{pid}/cmdline")
            try:
                environment, space = whole(f"/proc/{pid}/environ"), space_of(pid)
                within = space == self.space or self.container in whole(f"/proc/{pid}/cgroup").decode()
            except OSError:  # it ended meanwhile: whosever it was, no secret may stand in its arguments
                self.seen.add(b"cmdline " + words)
                return
            if space == self.space:
                self.seen |= {b"cmdline " + words, b"environ " + environment}
            elif within and self.containers:
                self.seen.add(b"cmdline " + words)

    def look(self) -> None:
        """At all there are."""
        for entry in os.listdir("/proc"):  # noqa: PTH208 - names are all that is wanted
            if entry.isdigit():
                self.note(entry)


def space_of(pid: str) -> str:
    """Its namespace of process ids: the host's own, or that of a container in it."""
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - a path object takes longer than some processes live


def whole(path: str) -> bytes:
    """In one read: between two, the process may have become another program, whose words begin elsewhere."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4 << 20)
    finally:
        os.close(file)


def events() -> socket.socket | None:
    """Where the kernel tells of every exec, and of nothing else; None where it does not."""
    try:
        source = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        source.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        narrow(source)
        source.bind((0, CN_IDX_PROC))
        asked = struct.pack("=IIIIHHI", CN_IDX_PROC, 1, 0, 0, 4, 0, LISTEN)
        source.send(struct.pack("=IHHII", 16 + len(asked), NLMSG_DONE, 0, 0, 0) + asked)
        source.settimeout(2)
        source.recv(4096)
    except OSError:
        return None
    source.setblocking(False)
    return source


def narrow(source: socket.socket) -> None:
    """A filter (classic BPF) that lets through these two kinds only: forks and ends are most of all events."""
    load, equal, give = 0x20, 0x15, 0x06
    either = ((equal, 1, 0, socket.htonl(EXEC)), (equal, 0, 1, NONE))
    program = ((load, 0, 0, KIND), *either, (give, 0, 0, 4096), (give, 0, 0, 0))
    code = b"".join(struct.pack("=HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(code)
    source.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def follow(watcher: Watcher, source: socket.socket) -> None:
    """Until input ends; where events were lost all processes are looked at."""
    waiting = select.poll()
    for file in (source, sys.stdin):
        waiting.register(file, select.POLLIN)
    while True:
        ready = [file for file, _ in waiting.poll()]
        if source.fileno() in ready:
            try:
                watcher.note(str(struct.unpack_from("=I", source.recv(4096), PID)[0]))
            except BlockingIOError:
                pass
            except OSError:
                watcher.look()
        elif sys.stdin.fileno() in ready:
            return


def hurry() -> None:
    """Be woken before all others: what ended meanwhile cannot be read any more."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(-20)


def main() -> None:
    init, container, kind = sys.argv[1:]
    watcher, source = Watcher(init, container, kind == "containers"), events()
    hurry()
    watcher.look()
    print("events" if source else "looks", flush=True)
    if source:
        follow(watcher, source)
    else:
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            watcher.look()
    watcher.look()
    sys.stdout.buffer.write(b"\n".join(sorted(watcher.seen)))


if __name__ == "__main__":
    main()
