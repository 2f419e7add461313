"""A name server on loopback that knows what a test tells it."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# (name, kind) -> records. A name without any entry does not exist; None is a server failure.
Zone = Mapping[tuple[str, str], list[str] | None]
SILENT = ["silent"]


@contextlib.contextmanager
def name_server(zone: Zone) -> Iterator[str]:
    """Answer UDP queries from `zone`; gives the server's address and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(sock, zone))
        thread.start()
        try:
            yield f"127.0.0.1:{sock.getsockname()[1]}"
        finally:
            sock.sendto(b"end", sock.getsockname())
            thread.join()


def _serve(sock: socket.socket, zone: Zone) -> None:
    while True:
        wire, client = sock.recvfrom(4096)
        if wire == b"end":
            return
        reply = _answer(dns.message.from_wire(wire), zone)
        if reply is not None:
            sock.sendto(reply.to_wire(), client)


def _answer(query: dns.message.Message, zone: Zone) -> dns.message.Message | None:
    question = query.question[0]
    name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
    records = zone.get((name, kind), [])
    if records is SILENT:
        return None
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    if records is None:
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif name not in {known for known, _ in zone}:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif records:
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
    return reply
