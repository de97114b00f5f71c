"""Gitea, the forge: on the node for the cluster, or alone for the contract tests of its adapters."""

import json
import re
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.acme import authority_file, save_authority
from tests.cluster.kit.build import build
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.manifests import module_folder
from tests.cluster.kit.node import configure
from tests.cluster.kit.programs import Program, start, stop, stop_all
from tests.cluster.kit.steps import StepError, step, wait_until
from tests.patience import patient

MODULE = "code.gitea.io/gitea"
SECRETS = ("internal-token", "secret-key", "jwt-secret")
# What a page needs of the front end, which the module does not have: without them the server does not start.
FRONT_END = {".vite/manifest.json": "{}", "css/theme-gitea-auto.css": ""}
# In a mount namespace of its own, so that webhooks find hosts of the cluster's DNS and the machine's file stays.
RESOLVING = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
ADMINISTRATOR = "keeper"
ACCOUNT = "slipway-bot"
ORGANISATION = "slipway"
SCOPES = "write:repository,write:organization"  # as docs/operate.md has them
ADMIN_SCOPES = "write:admin,read:user"  # as above
SSH_OFFSET = 22  # from the port of HTTP
CONFLICT = 422  # the name is taken
PASSWORD = re.compile(r"password is '(.+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The address that Gitea listens at."""

    address: str
    port: int

    @property
    def url(self) -> str:
        """Return what GITEA_URL is."""
        return f"http://{self.address}:{self.port}"


ALONE = Site(address="127.0.0.1", port=13000)
ON_NODE = Site(address=CLUSTER.address, port=3000)


def gitea(cache: Cache) -> None:
    """Start it alone, without root, or continue where an earlier call stopped; print the settings' file."""
    build(cache, {"gitea"})
    instance = cache.instance("gitea")
    with step("starting Gitea"):
        start_gitea(cache, instance, ALONE)
    print(f"  set -a; . {settings_file(instance)}; set +a")


def gitea_down(cache: Cache) -> None:
    """Stop it and delete its state."""
    instance = cache.instance("gitea")
    with step("stopping Gitea"):
        stop_all(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)


def start_forge(cache: Cache, instance: Instance, kubectl: Kubectl) -> None:
    """Start it on the node, with the DNS and authorities of pods; restart it when pebble has a new root."""
    with step("starting Gitea"):
        authority = authority_file(instance)
        if save_authority(kubectl, instance):
            stop(instance, "gitea")
        resolver = configure(instance, "resolv.conf")
        through: tuple[str | Path, ...] = ("/usr/bin/unshare", "--mount", "/bin/sh", "-c", RESOLVING, resolver)
        # Go trusts this file besides the folder of the machine's own authorities.
        start_gitea(cache, instance, ON_NODE, through=through, environment={"SSL_CERT_FILE": str(authority)})
    print(f"  GITEA_URL, GITEA_TOKEN and GITEA_DEFAULT_ORG: {settings_file(instance)}")


def start_gitea(
    cache: Cache,
    instance: Instance,
    site: Site,
    *,
    through: tuple[str | Path, ...] = (),
    environment: dict[str, str] | None = None,
) -> None:
    """Start it unless it runs, with its accounts and the organisation of Slipway; see Program for the options."""
    folder = instance.folder / "gitea"
    for name in SECRETS:
        _write_once(folder / "secrets" / name, secrets.token_urlsafe(32))
    for name, text in FRONT_END.items():
        _write_once(folder / "custom" / "public" / "assets" / name, text)
    (folder / "data").mkdir(exist_ok=True)
    words = {
        "ADDRESS": site.address,
        "PORT": site.port,
        "SSH_PORT": site.port + SSH_OFFSET,
        "MODULE": module_folder("gitea", MODULE),
    }
    configuration = configure(instance, "gitea.ini", folder / "app.ini", words=words)
    command = ("web", "--config", configuration)
    program = Program(
        name="gitea", file=cache.binaries / "gitea", words=command, through=through, environment=environment or {}
    )
    start(instance, program)
    wait_until(f"Gitea at {site.url}", lambda: _answers(site), seconds=120)
    make_accounts([cache.binaries / "gitea", "--config", configuration], instance, site.url)


def settings_file(instance: Instance) -> Path:
    """Return the file with GITEA_URL, GITEA_TOKEN and GITEA_DEFAULT_ORG, as a shell reads it."""
    return instance.folder / "gitea" / "settings.env"


def make_accounts(gitea: list[str | Path], instance: Instance, url: str) -> None:
    """Create the accounts and the organisation that are missing; `gitea` is the command with its configuration."""
    file = settings_file(instance)
    if file.exists():
        return
    for name, words in ((ADMINISTRATOR, ("--admin",)), (ACCOUNT, ())):
        _make(gitea, name, words, file.with_name(f"{name}.password"))
    unique = f"tests-{secrets.token_hex(4)}"  # a token's name can be used once
    token = _token(gitea, ACCOUNT, SCOPES, unique)
    _make_organisation(url, token)
    settings = {
        "GITEA_URL": url,
        "GITEA_TOKEN": token,
        "GITEA_DEFAULT_ORG": ORGANISATION,
        "GITEA_ADMIN_TOKEN": _token(gitea, ADMINISTRATOR, ADMIN_SCOPES, unique),
    }
    _write_private(file, "".join(f"{name}={value}\n" for name, value in settings.items()))


def _token(gitea: list[str | Path], account: str, scopes: str, name: str) -> str:
    words = ("--raw", "--username", account, "--scopes", scopes, "--token-name", name)
    return _run(gitea, "generate-access-token", *words).split()[-1]


def _make(gitea: list[str | Path], name: str, words: tuple[str, ...], password: Path) -> None:
    if password.exists():
        return
    named = ("--username", name, "--email", f"{name}@slipway.test", "--must-change-password=false")
    said = PASSWORD.search(_run(gitea, "create", *words, *named, "--random-password"))
    _write_private(password, said[1] if said else "")


def _run(gitea: list[str | Path], *words: str) -> str:
    command = [gitea[0], "admin", "user", words[0], *gitea[1:], *words[1:]]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        msg = f"gitea admin user {words[0]}: {ran.stderr.strip()[-2000:]}"
        raise StepError(msg)
    return ran.stdout


def _make_organisation(url: str, token: str) -> None:
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    body = json.dumps({"username": ORGANISATION, "visibility": "private"}).encode()
    request = urllib.request.Request(f"{url}/api/v1/orgs", data=body, headers=headers)  # noqa: S310 - http
    try:
        urllib.request.urlopen(request, timeout=patient(10)).close()  # noqa: S310 - as above
    except urllib.error.HTTPError as error:
        if error.code != CONFLICT:
            msg = f"Gitea answers {error.code} to the creation of the organisation {ORGANISATION}: {error.read()!r}"
            raise StepError(msg) from error


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


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
