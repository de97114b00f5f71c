"""TLS to PostgreSQL as sslmode in DATABASE_URL asks for it: the part of TLS that pg8000 lacks.

pg8000 does not know sslmode. Without a context it loads every authority of the system before it asks the server, which
takes 100 ms of a cold start. With a context it reports "Server refuses SSL" for a server that hangs up as well, and has
no fallback to a plain connection (sslmode=prefer). So the SSLRequest is sent here, and pg8000 gets the socket.
"""

import socket
import ssl

from functions.common.adapters.postgres.url import PostgresUrl, SslMode
from functions.common.errors import Unavailable

_SSL_REQUEST, _YES, _NO = b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S", b"N"  # as the protocol defines them


def negotiate(plain: socket.socket, server: PostgresUrl) -> socket.socket:
    """Return the connection with TLS, or as it is where sslmode allows that.

    Raises Unavailable when the server offers no TLS or is not trusted, and OSError.
    """
    if server.ssl_mode is SslMode.DISABLE:
        return plain
    plain.sendall(_SSL_REQUEST)
    answer = plain.recv(1)
    if answer == _YES:
        return _encrypted(plain, server)
    if answer == _NO and server.ssl_mode is SslMode.PREFER:
        return plain
    if answer != _NO:
        msg = "the server closed the connection, or has no room for it"
        raise ConnectionError(msg)
    msg = f"PostgreSQL at {server.host} offers no TLS, and DATABASE_URL asks for it: sslmode={server.ssl_mode}"
    raise Unavailable(msg)


def _encrypted(plain: socket.socket, server: PostgresUrl) -> ssl.SSLSocket:
    try:
        return _context(server).wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        msg = (
            f"the certificate of PostgreSQL at {server.host} is not trusted ({error.verify_message}): "
            "see sslrootcert and sslmode in DATABASE_URL"
        )
        raise Unavailable(msg) from error


def _context(server: PostgresUrl) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = server.ssl_mode is SslMode.VERIFY_FULL
    if not server.ssl_mode.verifies(server.root_certificate):
        context.verify_mode = ssl.CERT_NONE
    elif not server.root_certificate:
        context.load_default_certs()
    else:
        _load(context, server.root_certificate)
    return context


def _load(context: ssl.SSLContext, file: str) -> None:
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        msg = f"the root certificates for PostgreSQL cannot be read: {file}, see sslrootcert in DATABASE_URL"
        raise Unavailable(msg) from error
