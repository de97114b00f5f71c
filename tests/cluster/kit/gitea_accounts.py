"""Who is at the forge: an administrator, and the account of Slipway with a token and an organisation."""

import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from tests.cluster.kit.cache import Instance
from tests.cluster.kit.steps import StepError
from tests.patience import patient

ADMINISTRATOR = "keeper"
ACCOUNT = "slipway-bot"
ORGANISATION = "slipway"
SCOPES = "write:repository,write:organization"  # those that docs/operate.md asks for
CONFLICT = 422  # for a name that is taken
PASSWORD = re.compile(r"password is '(.+)'")


def settings_file(instance: Instance) -> Path:
    """Return the file with GITEA_URL, GITEA_TOKEN and GITEA_DEFAULT_ORG, as a shell reads it."""
    return instance.folder / "gitea" / "settings.env"


def make_accounts(gitea: list[str | Path], instance: Instance, url: str) -> None:
    """Make them unless they are there; `gitea` is the command with its configuration."""
    file = settings_file(instance)
    if file.exists():
        return
    for name, words in ((ADMINISTRATOR, ("--admin",)), (ACCOUNT, ())):
        _make(gitea, name, words, file.with_name(f"{name}.password"))
    unique = f"tests-{secrets.token_hex(4)}"  # a name can be given to a token once
    token = _run(
        gitea, "generate-access-token", "--raw", "--username", ACCOUNT, "--scopes", SCOPES, "--token-name", unique
    ).split()[-1]
    _make_organisation(url, token)
    _keep(file, f"GITEA_URL={url}\nGITEA_TOKEN={token}\nGITEA_DEFAULT_ORG={ORGANISATION}\n")


def _make(gitea: list[str | Path], name: str, words: tuple[str, ...], password: Path) -> None:
    if password.exists():
        return
    named = ("--username", name, "--email", f"{name}@slipway.test", "--must-change-password=false")
    said = PASSWORD.search(_run(gitea, "create", *words, *named, "--random-password"))
    _keep(password, said[1] if said else "")


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
            msg = f"Gitea answers {error.code} to the making of the organisation {ORGANISATION}: {error.read()!r}"
            raise StepError(msg) from error


def _keep(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
