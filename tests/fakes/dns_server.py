"""A DNS server of this machine, on UDP, with TXT records of a test."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass(slots=True, kw_only=True)
class Zone:
    """Records by name; names in `broken` get SERVFAIL, a name without values exists and has no TXT record."""

    records: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the answer to a query."""
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.records:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif values := self.records[name]:
            quoted = (f'"{value[:200]}" "{value[200:]}"' if value[200:] else f'"{value}"' for value in values)
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", *quoted))
        return reply


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = cast("_Server", self.server)
        data, wire = self.request
        wire.sendto(server.zone.answer(dns.message.from_wire(data)).to_wire(), self.client_address)


class _Server(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, zone: Zone) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.zone = zone


@contextmanager
def dns_server() -> Iterator[Zone]:
    """Yield the zone that a server at `address` answers from."""
    zone = Zone()
    with _Server(zone) as server:
        zone.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield zone
        finally:
            server.shutdown()
            thread.join()
