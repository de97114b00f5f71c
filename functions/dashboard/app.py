"""Composition root of dashboard. It has no database and no secrets: each visitor's own token calls the API."""

from collections.abc import Mapping
from pathlib import Path

from functions.common.adapters.html.templates import JinjaTemplates
from functions.common.adapters.http_client import HttpClient
from functions.common.platform.core import core
from functions.common.runtime.http import Endpoint, http_target, limit_body, no_database
from functions.dashboard.account import AccountPages
from functions.dashboard.api import Connect
from functions.dashboard.apps import AppPages
from functions.dashboard.dead_letters import DeadLetterPages
from functions.dashboard.forge_login import ForgeLoginPages
from functions.dashboard.overview import OverviewPages
from functions.dashboard.pushes import PushPages
from functions.dashboard.reference import ReferencePages
from functions.dashboard.settings import SettingsPages
from functions.dashboard.static_files import StaticFiles
from functions.dashboard.users import UserPages
from functions.dashboard.web import Dashboard

MAX_BODY = 256 * 1024
API_SECONDS = 25.0
_FOLDER = Path(__file__).parent


def create() -> Endpoint:
    """Return the dashboard as this process is configured."""
    settings = core().settings
    url, proxies = settings.dashboard.api_url, settings.clients.proxies
    return limit_body(compose(lambda headers: _client(url, headers), proxies=proxies), MAX_BODY)


def compose(connect: Connect, *, proxies: int) -> Dashboard:
    """Return the dashboard over an API, behind so many proxies."""
    return Dashboard(
        {
            "account": AccountPages,
            "apps": AppPages,
            "dead_letters": DeadLetterPages,
            "overview": OverviewPages,
            "forge_login": ForgeLoginPages,
            "pushes": PushPages,
            "reference": ReferencePages,
            "settings": SettingsPages,
            "users": UserPages,
        },
        connect=connect,
        proxies=proxies,
        templates=JinjaTemplates(_FOLDER / "templates"),
        static=StaticFiles(_FOLDER / "static"),
    )


def _client(url: str, headers: Mapping[str, str]) -> HttpClient:
    return HttpClient(service="the API", url=url, headers=headers, timeout=API_SECONDS)


dashboard = http_target(create, no_database)
