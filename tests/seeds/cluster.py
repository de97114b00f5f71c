"""The cluster of `task cluster:up` with Slipway on it, as a place where the documents are followed."""

import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from functions.local.demo.traffic import AppClient
from functions.local.instance import Endpoints
from tests.cluster.kit.acme import authority_file
from tests.cluster.kit.cache import DEFAULT_HOME, Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.gitea import ACCOUNT, ORGANISATION, RESOLVING, settings_file
from tests.cluster.kit.install import CLOUDFLARE_PORT, DATABASE, load_installed
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import DOMAIN
from tests.cluster.kit.user import HTTPS, LOGIN
from tests.fakes.loopback import served
from tests.fakes.loopback_cloudflare import LoopbackCloudflare
from tests.local.pipeline.developer import Developer
from tests.local.pipeline.stage import Json, Stage
from tests.patience import patient

PERSON, PASSWORD = "you", "correct horse battery staple"
PUSH_SECONDS = 300


@dataclass(slots=True, kw_only=True)
class ClusterStage(Stage):
    """Slipway on the cluster; what it lacks is what only one machine has."""

    instance: Instance
    _zone: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Serve the DNS zone that upsert-dns writes to."""
        self._zone.enter_context(served(LoopbackCloudflare(), CLUSTER.address, CLOUDFLARE_PORT))

    def stop(self) -> None:
        """End it; the cluster stays."""
        self._zone.close()

    @property
    def at(self) -> Endpoints:
        """Its endpoints; see Stage."""
        installed = load_installed(self.instance)
        return Endpoints(
            gateway=installed.url,
            broker="",
            git="",
            ssh="",
            apps_port=HTTPS,
            ca=str(authority_file(self.instance)),
            database=DATABASE,
            token=installed.token,
            webhook_secret=installed.webhook_secret,
        )

    def http(self) -> httpx.Client:
        """Return a client that trusts the cluster's authority; see Stage."""
        trusted = ssl.create_default_context(cafile=self.at.ca)
        return httpx.Client(verify=trusted, timeout=patient(30), trust_env=False)

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        """Return what an app answers; see Stage."""
        client = AppClient(host=f"{host}.{DOMAIN}", port=HTTPS, ca=Path(self.at.ca), address=CLUSTER.address)
        try:
            return client.get(path)
        finally:
            client.close()

    def ended(self, sha: str, app: str, *, seconds: float = PUSH_SECONDS) -> Json:
        """Wait for the end of a push, which takes longer than on one machine; see Stage."""
        return Stage.ended(self, sha, app, seconds=max(seconds, PUSH_SECONDS))


@dataclass(frozen=True, kw_only=True)
class OnCluster:
    """Site over the cluster, with Gitea as its forge."""

    stage: ClusterStage
    kubectl: Kubectl
    provider: str = "gitea"
    detect_step: str = "buildpacks"

    @property
    def environment(self) -> dict[str, str]:
        """Return where Slipway is, whom to trust, and the person's login at the forge; see Site."""
        return {
            "PAAS_SERVER": self.stage.at.gateway,
            "SSL_CERT_FILE": self.stage.at.ca,
            "FORGE_USER": PERSON,
            "FORGE_TOKEN": PASSWORD,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": LOGIN,
        }

    def admit(self, email: str) -> None:
        """Create the person's account at the forge, as its administrator does; see Site."""
        account = {"username": PERSON, "email": email, "password": PASSWORD, "must_change_password": False}
        self._forge("POST", "/admin/users", account, name="GITEA_ADMIN_TOKEN").raise_for_status()

    def push_silently(self, developer: Developer) -> None:
        """Push while the repository's webhooks are switched off; see Site."""
        path = f"/repos/{ORGANISATION}/{developer.app}/hooks"
        hooks: list[dict[str, Any]] = self._forge("GET", path).raise_for_status().json()
        assert hooks, f"{developer.app} has no webhook"
        self._switch(path, hooks, active=False)
        try:
            url = f"{self._settings['GITEA_URL']}/{ORGANISATION}/{developer.app}.git"
            login = f"!f() {{ echo username={ACCOUNT}; echo password={self._settings['GITEA_TOKEN']}; }}; f"
            developer.git("-c", f"credential.helper={login}", "push", "--quiet", url, "HEAD:refs/heads/main")
        finally:
            self._switch(path, hooks, active=True)

    def clean(self, *, email: str, apps: tuple[str, ...]) -> None:
        """Delete what an earlier run has left, the person included."""
        headers = {"Authorization": f"Bearer {self.stage.at.token}"}
        with self.stage.http() as http:
            for path in (*(f"/apps/{app}" for app in apps), f"/invitations/{quote(email)}", f"/users/{quote(email)}"):
                http.delete(f"{self.stage.at.gateway}/v1{path}", headers=headers)
        self._forge("DELETE", f"/admin/users/{PERSON}?purge=true", name="GITEA_ADMIN_TOKEN")

    def _switch(self, path: str, hooks: list[dict[str, Any]], *, active: bool) -> None:
        for hook in hooks:
            self._forge("PATCH", f"{path}/{hook['id']}", {"active": active}).raise_for_status()

    @cached_property
    def _settings(self) -> dict[str, str]:
        lines = settings_file(self.stage.instance).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _forge(self, method: str, path: str, body: object = None, *, name: str = "GITEA_TOKEN") -> httpx.Response:
        headers = {"Authorization": f"token {self._settings[name]}"}
        with self.stage.http() as http:
            return http.request(method, f"{self._settings['GITEA_URL']}/api/v1{path}", json=body, headers=headers)


def cluster_site(folder: Path) -> OnCluster:
    """Return the cluster that runs; clones are made in `folder`."""
    cache = Cache(home=DEFAULT_HOME)
    instance = cache.instance("cluster")
    stage = ClusterStage(folder=folder, instance=instance)
    return OnCluster(stage=stage, kubectl=Kubectl(cache, instance))


def resolving(*command: str) -> tuple[str, ...]:
    """Return a command that runs the given one where the cluster's names resolve; it needs root."""
    resolver = Cache(home=DEFAULT_HOME).instance("cluster").folder / "resolv.conf"
    return ("unshare", "--mount", "/bin/sh", "-c", RESOLVING, str(resolver), *command)
