"""TLS to PostgreSQL, as far as the URL's sslmode asks for it and the server offers it.

Here and not in pg8000, which reads all authorities before it asks the server, does not know sslmode, and would write
past the socket that keeps a statement together.
"""

import socket
import ssl
from typing import cast

from functions.common.adapters.postgres.socket import WholeStatements
from functions.common.adapters.postgres.url import PostgresUrl, SslMode
from functions.common.errors import Unavailable


class PostgresTlsSocket(ssl.SSLSocket, WholeStatements):
    """One with TLS."""


def secured(wire: socket.socket, server: PostgresUrl) -> PostgresTlsSocket:
    """Return the connection, encrypted. Raises Unavailable when the server is not who it must be, and OSError."""
    try:
        return cast("PostgresTlsSocket", _context(server).wrap_socket(wire, server_hostname=server.host))
    except ssl.SSLCertVerificationError as error:
        msg = (
            f"the certificate of PostgreSQL at {server.host} is not trusted ({error.verify_message}): "
            "see sslrootcert and sslmode in DATABASE_URL"
        )
        raise Unavailable(msg) from error


def _context(server: PostgresUrl) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = PostgresTlsSocket
    context.check_hostname = server.ssl_mode is SslMode.VERIFY_FULL
    if server.ssl_mode.verifies(server.root_certificate):
        _trust(context, server.root_certificate)
    else:
        context.verify_mode = ssl.CERT_NONE
    return context


def _trust(context: ssl.SSLContext, file: str) -> None:
    if not file:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        msg = f"the authorities of PostgreSQL cannot be read: {file}, see sslrootcert in DATABASE_URL"
        raise Unavailable(msg) from error
