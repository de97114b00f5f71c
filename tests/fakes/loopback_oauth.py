"""The OAuth 2 server of a forge on this machine: codes with PKCE, and the emails of who logged in."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

CLIENT, SECRET = "client-id", "client-secret"


@dataclass(slots=True, kw_only=True)
class LoopbackOAuth:
    """Answers as Gitea, GitHub or GitLab do; `emails` are those of who logs in."""

    kind: str = "gitea"
    emails: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def consent(self, page: str) -> dict[str, str]:
        """Log in at the page as a person does; return what the forge leads back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        assert query["client_id"] == CLIENT, query
        assert query["response_type"] == "code", query
        assert query["code_challenge_method"] == "S256", query
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def flask(self) -> Flask:
        """Return the server."""
        app = Flask("oauth")
        token = "/oauth/token" if self.kind == "gitlab" else "/login/oauth/access_token"
        emails = {"gitlab": "/api/v4/user", "github": "/api/v3/user/emails"}.get(self.kind, "/api/v1/user/emails")
        app.add_url_rule(token, view_func=self._token, methods=["POST"])
        app.add_url_rule(emails, view_func=self._emails)
        return app

    def _token(self) -> tuple[Response, int]:
        form = request.form
        refused = 200 if self.kind == "github" else 400
        if (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return jsonify(error="invalid_client"), 200 if self.kind == "github" else 401
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or (asked["code_challenge"], asked["redirect_uri"]) != (challenge, form["redirect_uri"]):
            return jsonify(error="invalid_grant"), refused
        return jsonify(access_token="t0ken", token_type="bearer"), 200

    def _emails(self) -> tuple[Response, int]:
        if request.headers.get("Authorization") != "Bearer t0ken":
            return jsonify(message="token is required"), 401
        if self.kind == "gitlab":
            (one,) = self.emails
            return jsonify(email=one["email"], confirmed_at="2026-01-02" if one["verified"] else None), 200
        return jsonify(self.emails), 200


@contextmanager
def served_oauth(forge: LoopbackOAuth) -> Iterator[str]:
    """Serve the forge and yield its URL."""
    server = make_server("127.0.0.1", 0, forge.flask(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
