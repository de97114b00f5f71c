"""A login at the real Gitea of GITEA_URL: its own login page, its page of consent, and back."""

import re
import secrets
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from functions.common.settings import from_environment
from tests.functions.dashboard.conftest import dashboard_world, text_of
from tests.patience import patient

pytestmark = pytest.mark.gitea

GATEWAY = "https://slipway.example.org"
CALLBACK = f"{GATEWAY}/dashboard/login/callback"


def consented(web: httpx.Client, page: str) -> str:
    """Return the code for which the person who is logged in at the forge consents."""
    found = web.get(page)
    if found.status_code == httpx.codes.OK:
        pairs = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', found.text)
        fields = {name: unescape(value) for name, value in pairs}
        headers = {"Sec-Fetch-Site": "same-origin"}  # as a browser sends it
        found = web.post("/login/oauth/grant", data={**fields, "granted": "true"}, headers=headers)
    assert found.status_code == httpx.codes.SEE_OTHER, (found.status_code, found.text[:500])
    return found.headers["Location"]


def test_a_user_of_gitea_logs_in(database: str, tmp_path: Path) -> None:
    url, admin = from_environment().sources.forge_url, from_environment().environment["GITEA_ADMIN_TOKEN"]
    name, password = f"ada-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
    email = f"{name}@example.org"
    with httpx.Client(base_url=url, timeout=patient(20), trust_env=False) as web:
        headers = {"Authorization": f"token {admin}"}
        user = {"username": name, "email": email, "password": password, "must_change_password": False}
        assert web.post("/api/v1/admin/users", json=user, headers=headers).status_code == httpx.codes.CREATED
        client = {"name": "Slipway", "redirect_uris": [CALLBACK], "confidential_client": True}
        made = web.post("/api/v1/user/applications/oauth2", json=client, auth=(name, password)).json()
        assert web.post("/user/login", data={"user_name": name, "password": password}).is_redirect
        settings = {
            "SLIPWAY_LOGIN_FORGE": "gitea",
            "SLIPWAY_LOGIN_URL": url,
            "SLIPWAY_LOGIN_CLIENT": made["client_id"],
            "SLIPWAY_LOGIN_SECRET": made["client_secret"],
            "SLIPWAY_GATEWAY_URL": GATEWAY,
        }
        with dashboard_world(database, tmp_path, **settings) as world:
            world.user(email)
            browser = world.browser()
            for _ in range(2):  # the second time Gitea does not ask again
                page = browser.get("/login/forge").headers["Location"]
                back = urlsplit(consented(web, page))
                assert parse_qs(back.query)["state"]
                answer = browser.get(f"/login/callback?{back.query}")
                assert answer.status_code == 303, text_of(answer)
            assert email in text_of(browser.get("/account"))
        web.delete(f"/api/v1/admin/users/{name}?purge=true", headers=headers)
