"""DATABASE_URL, read as libpq reads it: where PostgreSQL is, and how its TLS is verified."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from functions.common.errors import Rejected

PORT = 5432


class SslMode(StrEnum):
    """The modes of libpq: https://www.postgresql.org/docs/current/libpq-ssl.html."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"

    def verifies(self, root_certificate: str) -> bool:
        """Return whether the server's certificate must be signed by a trusted authority."""
        return self in {SslMode.VERIFY_CA, SslMode.VERIFY_FULL} or (self is SslMode.REQUIRE and bool(root_certificate))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """A server and a database; `root_certificate` is a file of trusted authorities, empty for those of the system."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    ssl_mode: SslMode
    root_certificate: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return what the URL says. Raises Rejected, without the password, when it cannot be read."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "localhost", parts.port or PORT
        except ValueError:
            msg = (
                "DATABASE_URL cannot be read: it must be postgresql://USER:PASSWORD@HOST:PORT/NAME, one host, a number"
            )
            raise Rejected(msg) from None  # the cause shows a part of the password
        options = dict(parse_qsl(parts.query))
        unknown = sorted(name for name in options if name.startswith("ssl") and name not in {"sslmode", "sslrootcert"})
        if unknown:
            msg = f"DATABASE_URL asks for {', '.join(unknown)}: of TLS only sslmode and sslrootcert can be chosen"
            raise Rejected(msg)
        return cls(
            host=host,
            port=port,
            user=unquote(parts.username or "postgres"),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")) or "postgres",
            ssl_mode=_ssl_mode(options.get("sslmode", SslMode.PREFER)),
            root_certificate=root if (root := options.get("sslrootcert", "")) != "system" else "",
        )


def _ssl_mode(text: str) -> SslMode:
    if text not in set(SslMode):
        msg = f"DATABASE_URL's sslmode must be one of {', '.join(SslMode)}, not {text!r}"
        raise Rejected(msg)
    return SslMode(text)
