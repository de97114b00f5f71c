"""A PostgreSQL with TLS for the tests: the real one, behind a proxy that speaks TLS as the protocol has it.

The server of the wheel is built without TLS. The certificate is one of Caddy's own authority.
"""

import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from functions.local.platform.programs import binary
from tests.local.waiting import until

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
CONFIG = """{"admin": {"disabled": true}, "storage": {"module": "file_system", "root": "%s"}, "apps": {
"pki": {"certificate_authorities": {"local": {"install_trust": false}}},
"tls": {
  "certificates": {"automate": ["localhost"]}, "automation": {"policies": [{"issuers": [{"module": "internal"}]}]}
}
}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFront:
    """The port of the proxy, and the file of the authority that signed its certificate for `localhost`."""

    port: int
    root_certificate: Path


@contextmanager
def tls_front(behind: int, folder: Path) -> Iterator[TlsFront]:
    """Run one before the server at the port `behind`."""
    chain, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_serve, args=(door, context, behind), daemon=True).start()
        yield TlsFront(port=door.getsockname()[1], root_certificate=folder / "pki/authorities/local/root.crt")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for `localhost` and return the files of its chain and its key."""
    config, place = folder / "caddy.json", folder / "certificates/local/localhost"
    config.write_text(CONFIG % folder)
    command = [binary("caddy"), "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caddy:
        until((place / "localhost.json").exists, why="the certificate")  # Caddy writes it last
        caddy.terminate()
    return place / "localhost.crt", place / "localhost.key"


def _serve(door: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with suppress(OSError):  # the door is closed when the test ends
        while True:
            client, _ = door.accept()
            threading.Thread(target=_connection, args=(client, context, behind), daemon=True).start()


def _connection(client: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with suppress(OSError), socket.create_connection(("127.0.0.1", behind)) as server:
        if client.recv(len(SSL_REQUEST)) != SSL_REQUEST:
            client.close()  # as a server does whose pg_hba.conf has hostssl alone
            return
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as secured:
            _pump(secured, server)


def _pump(secured: ssl.SSLSocket, server: socket.socket) -> None:
    while True:
        ready = [secured] if secured.pending() else select.select([secured, server], [], [])[0]
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (server if source is secured else secured).sendall(data)
