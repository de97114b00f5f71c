"""Gitea, the forge: on the node for the cluster, or alone for the contract tests of its adapters."""

import secrets
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.build import build
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.gitea_accounts import make_accounts, settings_file
from tests.cluster.kit.manifests import module_folder
from tests.cluster.kit.node import configure
from tests.cluster.kit.programs import Program, start, stop_all
from tests.cluster.kit.steps import step, wait_until
from tests.patience import patient

MODULE = "code.gitea.io/gitea"
SECRETS = ("internal-token", "secret-key", "jwt-secret")
# What a page needs of the front end, which the module does not have: then the server starts without complaint.
FRONT_END = {".vite/manifest.json": "{}", "css/theme-gitea-auto.css": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where it listens."""

    address: str
    port: int

    @property
    def url(self) -> str:
        """Return what GITEA_URL is."""
        return f"http://{self.address}:{self.port}"


ALONE = Site(address="127.0.0.1", port=13000)
ON_NODE = Site(address=CLUSTER.address, port=3000)


def gitea(cache: Cache) -> None:
    """Start it alone, without root, or go on where an earlier call stopped; prints the file of the tests' settings."""
    build(cache, {"gitea"})
    instance = cache.instance("gitea")
    with step("starting Gitea"):
        start_gitea(cache, instance, ALONE)
    print(f"  set -a; . {settings_file(instance)}; set +a")


def gitea_down(cache: Cache) -> None:
    """End it and forget its state."""
    instance = cache.instance("gitea")
    with step("stopping Gitea"):
        stop_all(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)


def start_gitea(
    cache: Cache,
    instance: Instance,
    site: Site,
    *,
    through: tuple[str | Path, ...] = (),
    environment: dict[str, str] | None = None,
) -> None:
    """Start it unless it runs, with its accounts and the organisation of Slipway; see `Program` for the options."""
    folder = instance.folder / "gitea"
    for name in SECRETS:
        _write_once(folder / "secrets" / name, secrets.token_urlsafe(32))
    for name, text in FRONT_END.items():
        _write_once(folder / "custom" / "public" / "assets" / name, text)
    (folder / "data").mkdir(exist_ok=True)
    words = {"ADDRESS": site.address, "PORT": site.port, "MODULE": module_folder("gitea", MODULE)}
    configuration = configure(instance, "gitea.ini", folder / "app.ini", words=words)
    command = ("web", "--config", configuration)
    program = Program(
        name="gitea", file=cache.binaries / "gitea", words=command, through=through, environment=environment or {}
    )
    start(instance, program)
    wait_until(f"Gitea at {site.url}", lambda: _answers(site), seconds=120)
    make_accounts([cache.binaries / "gitea", "--config", configuration], instance, site.url)


def _write_once(file: Path, text: str) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(text)


def _answers(site: Site) -> bool:
    try:
        with urllib.request.urlopen(f"{site.url}/api/healthz", timeout=patient(2)) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except OSError:
        return False
