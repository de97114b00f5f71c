"""Whom calls by HTTP trust: httpx reads all authorities for each client, at 20 ms a call; here once for the process."""

import ssl
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.common.adapters.lazy import lazy, run_soon

if TYPE_CHECKING:
    import httpx
else:  # a tenth of a second, for functions that call by HTTP alone
    httpx = lazy("httpx")


def trust(url: str) -> ssl.SSLContext:
    """Return what a call to this URL trusts, for httpx's `verify`."""
    return _authorities() if urlsplit(url).scheme == "https" else _nobody()


@cache
def trust_ahead(url: str) -> None:
    """Read it in a moment, and httpx with it: the first call finds both."""
    run_soon(partial(_prepare, url))


def _prepare(url: str) -> None:
    _ = httpx.Client
    trust(url)


@cache
def _authorities() -> ssl.SSLContext:
    """Return what httpx would: its own authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR names."""
    return httpx.create_ssl_context()


@cache
def _nobody() -> ssl.SSLContext:
    """Return what plain http needs: should it ever come to TLS, no certificate is good enough."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
