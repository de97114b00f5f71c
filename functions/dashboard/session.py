"""The visitor's session: its cookie, its CSRF token, and where a login leads back to."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from flask import Request, Response

HOME = "/dashboard"
# Apps answer below the same domain: by __Host- a browser takes these cookies from this host alone.
COOKIE = "__Host-slipway-session"
BEGUN = "__Host-slipway-login"  # a login at the forge that has begun
BEGUN_SECONDS = 600
CSRF_FIELD = "csrf"
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]{1,200}\Z")
_OWN_PATH = re.compile(r"/dashboard(?:[/?#][\x21-\x5b\x5d-\x7e]*)?\Z")  # printable ASCII without a backslash
_SAME_SITE = "same-origin"


def token_of(cookies: Mapping[str, str]) -> str:
    """Return the session's token, empty when there is none."""
    token = cookies.get(COOKIE, "")
    return token if _TOKEN.match(token) else ""


def keep(response: Response, token: str, expires: datetime | None) -> None:
    """Keep the session's token in the browser, where no script can read it and no other host can set it."""
    response.set_cookie(COOKIE, token, expires=expires, path="/", secure=True, httponly=True, samesite="Lax")


def forget(response: Response) -> None:
    """Remove the session from the browser."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def keep_begun(response: Response, begun: str) -> None:
    """Keep what belongs to a login at the forge until the forge leads back."""
    response.set_cookie(BEGUN, begun, max_age=BEGUN_SECONDS, path="/", secure=True, httponly=True, samesite="Lax")


def forget_begun(response: Response) -> None:
    """Remove it: a code is used once."""
    response.delete_cookie(BEGUN, path="/", secure=True, httponly=True, samesite="Lax")


def csrf_token(token: str) -> str:
    """Return the CSRF token of the forms of a login; only its user and the dashboard know the key."""
    return hmac.new(token.encode(), b"slipway dashboard form", hashlib.sha256).hexdigest()


def is_own_form(request: Request, token: str) -> bool:
    """Whether a POST comes from one of the dashboard's own forms.

    Browsers say from which site a request comes. Forms of a session carry its CSRF token beside that; the form of the
    login cannot.
    """
    site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
    if site and site != _SAME_SITE:
        return False
    if token:
        return hmac.compare_digest(request.form.get(CSRF_FIELD, "").encode(), csrf_token(token).encode())
    hosts = {request.headers.get("Host", ""), request.headers.get("X-Forwarded-Host", "")} - {""}
    return bool(site) or not origin or _host(origin) in hosts


def own_path(path: str) -> str:
    """Return the path when it is one of the dashboard, else the dashboard's first page."""
    return path if _OWN_PATH.match(path) and ".." not in path and "//" not in path else HOME


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
