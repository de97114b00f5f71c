"""What a start uses of an earlier one and of the environment."""

import http.client
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.settings import Settings
from functions.local.platform.run import Platform, running
from tests.local.project import service, write_project
from tests.local.sandboxed import sandbox_settings
from tests.patience import patient

_TELLS = """
    from functions.common.settings import from_environment

    def target(request):
        return from_environment().git_server.secret.get_secret_value(), 200
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="sw-") as name:
        Path(name).chmod(0o711)
        write_project(Path(name) / "project", service("verify") + service("park"), verify=_TELLS)
        yield Path(name)


def secrets_of(folder: Path, **environment: str) -> tuple[str, str]:
    """Start, and return the secret that the git server's hook signs with, and the one that is expected of it."""
    settings = Settings(environment={**environment, **sandbox_settings(folder / "home")})
    with running(
        folder / "home", root=folder / "project", workers=(), default_ports=False, settings=settings, say=lambda _: None
    ) as up:
        signed = json.loads((up.home / "instance.json").read_text())["webhook_secret"]
        return signed, _expected(up)


def test_the_git_server_keeps_its_own_webhook_secret_and_app_programs_are_forgotten(folder: Path) -> None:
    signed, expected = secrets_of(folder)
    assert signed == expected

    given = {"FORGEJO_WEBHOOK_SECRET": "of a forge", "PAAS_WEBHOOK_SECRET": "of all", "SLIPWAY_GIT_SECRET": "of a user"}
    stale = left_by_an_app(folder)
    assert secrets_of(folder, **given) == (signed, signed)
    assert not stale.exists()


def left_by_an_app(folder: Path) -> Path:
    """Write a program of an app of an earlier start, whose log has no folder any more: it may not prevent a start."""
    stale = folder / "home" / "apps.d" / "app.gone.production.1.web.conf"
    stale.parent.mkdir(parents=True, exist_ok=True)
    log = folder / "moved" / "logs" / "1-web.log"
    stale.write_text(f"[program:app.gone.production.1.web]\ncommand = true\nstdout_logfile = {log}\n")
    return stale


def _expected(up: Platform) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", up.instance.ports["verify"], timeout=patient(10))
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
