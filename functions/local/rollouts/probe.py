"""The health check: one request to a version's web process, past Caddy."""

import http.client

_TIMEOUT_SECONDS = 2.0
_SERVER_ERROR = 500
_READ_BYTES = 65_536
_SHOWN = 80


def probe(port: int, path: str, host: str) -> str:
    """Return what is wrong, as the whole probe reads, or nothing when the app answers below 500.

    An app without a page at the path is healthy: it answers 404 by itself.
    """
    url = f"GET http://127.0.0.1:{port}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "slipway-health-check"})
        response = connection.getresponse()
        status = response.status
        response.read(_READ_BYTES)  # an app that is cut off in its answer complains in its log
    except ConnectionRefusedError:
        return f"{url}: connection refused; the web process must listen on $HOST:$PORT"
    except TimeoutError:
        return f"{url}: no answer within {_TIMEOUT_SECONDS:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {_words(error)}"
    finally:
        connection.close()
    return "" if status < _SERVER_ERROR else f"{url} answered {status}; it must answer below {_SERVER_ERROR}"


def _words(error: Exception) -> str:
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return f"the answer is no HTTP, it begins with {str(error)[:_SHOWN]!r}"
    return f"{type(error).__name__} {error}".rstrip()
