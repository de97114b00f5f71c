"""Log in at the forge: OAuth 2 with PKCE. What belongs to one login waits in a cookie of the browser that began it."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, urlencode

from functions.dashboard.account import logged_in
from functions.dashboard.api import Refused
from functions.dashboard.session import HOME, own_path
from functions.dashboard.visit import Elsewhere, Result, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A login that has begun: `state` comes back with the code, `verifier` proves who began."""

    state: str
    verifier: str = field(repr=False)
    to: str

    @classmethod
    def new(cls, to: str) -> Self:
        """Return a login that leads to this page of the dashboard."""
        return cls(state=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), to=own_path(to))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the login of a cookie; an odd one matches no state."""
        found = {name: values[0] for name, values in parse_qs(text).items()}
        return cls(state=found.get("state", ""), verifier=found.get("verifier", ""), to=own_path(found.get("to", HOME)))

    @property
    def challenge(self) -> str:
        """What the forge checks the verifier with."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def text(self) -> str:
        """Return what the cookie holds."""
        return urlencode({"state": self.state, "verifier": self.verifier, "to": self.to})


class ForgeLoginPages:
    """The two ends of a login at the forge."""

    def begin(self, visit: Visit) -> Result:
        """Lead to the forge."""
        begun = _Begun.new(visit.query.get("next", HOME))
        found = visit.api.get("auth", "forge", state=begun.state, challenge=begun.challenge)
        if not found["url"]:
            msg = "logins at a forge are not set up here"
            raise Refused(msg)
        return Elsewhere(url=found["url"], begun=begun.text())

    def finish(self, visit: Visit) -> Result:
        """Log in with the code that the forge led back with."""
        begun, query = _Begun.read(visit.begun), visit.query
        if not begun.state or not hmac.compare_digest(begun.state.encode(), query.get("state", "").encode()):
            msg = "this login was not begun in this browser, or it took more than ten minutes: begin again"
            raise Refused(msg)
        if not query.get("code"):
            msg = "the forge did not log you in: begin again, or log in with your password"
            raise Refused(msg)
        body = {"code": query["code"], "verifier": begun.verifier, "client": "dashboard"}
        return logged_in(visit.api.send("POST", "auth", "forge", body=body), begun.to)
