"""`task cluster:install`: Slipway on the cluster, as docs/operate.md has it."""

import json
import secrets
import ssl
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path

import httpx
import yaml

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import secret_names
from functions.local.demo.traffic import AppClient
from tests.cluster.kit.acme import authority_file
from tests.cluster.kit.build_images import BUILDER, DEBIAN, push_slipway
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.gitea import ACCOUNT, settings_file
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import REGISTRY, REGISTRY_URL
from tests.cluster.kit.overlay import DOMAIN, HOST, KNATIVE, NAMESPACE, delete_other_broker, write_overlay
from tests.cluster.kit.steps import StepError, step, wait_until
from tests.conftest import ROOT
from tests.fakes.loopback_cloudflare import TOKEN, ZONE
from tests.patience import patient

BUILDS = "slipway-builds"
DATABASE_INSIDE = "postgresql://postgres@postgres.data.svc.cluster.local:5432/slipway"
DATABASE = f"postgresql://postgres@{CLUSTER.address}:5432/slipway"
CLOUDFLARE_PORT = 8787
# The apps that run as a Deployment and as a Knative Service; a Rollout is the default.
PLAIN, IDLE = "plain", "idle"
ADMINISTRATOR = "admin@slipway.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What the tests need to use it; saved in the instance's folder, readable by its owner alone."""

    password: str
    webhook_secret: str
    image: str
    token: str = ""

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"https://{HOST}"


def install(cache: Cache, *, overlay: str = "trial") -> Installed:
    """Install it, or update it to this checkout; resumable."""
    instance = cache.instance("cluster")
    kubectl = Kubectl(cache, instance)
    installed = _saved(instance, push_slipway(cache))
    with step("making the database and the first administrator"):
        _database()
        _set_up(installed)
    with step(f"applying Slipway, overlay {overlay}"):
        kubectl("create", "namespace", NAMESPACE) if not _has_namespace(kubectl) else None
        forge = dict(line.split("=", 1) for line in settings_file(instance).read_text().splitlines())
        kubectl.apply(_settings(installed, forge))
        folder = write_overlay(instance, overlay, image=installed.image)
        delete_other_broker(kubectl, folder)
        for applied in (folder, KNATIVE / "platform" / "builds"):
            kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=slipway", "-k", str(applied))
        kubectl.apply(_access(forge))
    with step("waiting for the Broker, the functions and the Triggers"):
        for kind in ("broker", "ksvc", "trigger", "apiserversource", "pingsource"):
            kubectl("wait", "--for=condition=Ready", kind, "--all", "-n", NAMESPACE, f"--timeout={patient(300):.0f}s")
    with step("configuring where Tekton sends its events"):
        kubectl.apply([_tekton_events(kubectl)])
    with step("waiting for its address"):
        _await_address(instance)
    with step("logging in"):
        installed = replace(installed, token=_log_in(instance, installed))
        _save(instance, installed)
    return installed


def _await_address(instance: Instance) -> None:
    """Wait until the API answers through the ingress, which learns its routes a while later."""
    client = AppClient(host=HOST, port=443, ca=authority_file(instance), address=CLUSTER.address)
    try:
        wait_until(f"https://{HOST}", lambda: client.get("/v1/apps")[0] == HTTPStatus.UNAUTHORIZED, seconds=120)
    finally:
        client.close()


def load_installed(instance: Instance) -> Installed:
    """Return what an earlier `install` saved."""
    return Installed(**json.loads(_state_file(instance).read_text()))


def _saved(instance: Instance, image: str) -> Installed:
    file = _state_file(instance)
    known = json.loads(file.read_text()) if file.exists() else {}
    fresh = {"password": secrets.token_hex(16), "webhook_secret": secrets.token_hex(16)}
    installed = Installed(**{**fresh, **known, "image": image})
    _save(instance, installed)
    return installed


def _save(instance: Instance, installed: Installed) -> None:
    file = _state_file(instance)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(installed)))


def _state_file(instance: Instance) -> Path:
    return instance.folder / "slipway.json"


def _database() -> None:
    server = Postgres(DATABASE.rpartition("/")[0] + "/postgres")
    if not server.run("select 1 from pg_database where datname = 'slipway'"):
        server.run("create database slipway")
    server.close()


def _set_up(installed: Installed) -> None:
    """Migrate the database and create the administrator, unless an earlier run has. Raises StepError."""
    words = ("setup", "--database", DATABASE, "--email", ADMINISTRATOR, "--password-stdin")
    command = [sys.executable, "-m", "functions.cli.main", *words]
    ran = subprocess.run(
        command, cwd=ROOT, input=installed.password, capture_output=True, text=True, timeout=patient(60), check=False
    )
    if ran.returncode and "administrator already" not in ran.stderr:
        msg = f"paas setup: {ran.stderr}"
        raise StepError(msg)


def _log_in(instance: Instance, installed: Installed) -> str:
    """Return a token of the administrator."""
    trusted = ssl.create_default_context(cafile=str(authority_file(instance)))
    with httpx.Client(verify=trusted, timeout=patient(60), trust_env=False) as http:
        answer = http.post(
            f"https://{CLUSTER.address}/v1/auth/login",
            json={"email": ADMINISTRATOR, "password": installed.password, "client": "tests"},
            headers={"Host": HOST},
            extensions={"sni_hostname": HOST},
        )
    token: str = answer.raise_for_status().json()["data"]["access_token"]
    return token


def _settings(installed: Installed, forge: dict[str, str]) -> list[dict[str, object]]:
    settings = {
        **forge,
        "DATABASE_URL": DATABASE_INSIDE,
        "PAAS_WEBHOOK_SECRET": installed.webhook_secret,
        "DEFAULT_DOMAIN": DOMAIN,
        "SLIPWAY_GATEWAY_URL": installed.url,
        "REGISTRY_URL": REGISTRY_URL,
        "SLIPWAY_GIT_IMAGE": f"{REGISTRY}/{DEBIAN}",
        "SLIPWAY_BUILDER_IMAGE": f"{REGISTRY}/{BUILDER}",
        "SLIPWAY_BUILDAH_IMAGE": f"{REGISTRY}/{DEBIAN}",
        "SLIPWAY_BUILD_STORAGE": "200Mi",
        "DEPLOY_TLS_ISSUER": "ClusterIssuer/pebble",
        "SLIPWAY_TRAFFIC": "gateway",
        "SLIPWAY_REPLICAS": "2",
        "SLIPWAY_CANARY_PAUSE": "6",
        "SLIPWAY_HEALTH_LIMIT": "40",
        "SLIPWAY_DEPLOY_KINDS": f"{PLAIN}=deployment,{IDLE}=knative",
        "SLIPWAY_APP_CPU": "5m",
        "SLIPWAY_APP_MEMORY": "32Mi",
        "CLUSTER_IP": CLUSTER.address,
        "CLOUDFLARE_URL": f"http://{CLUSTER.address}:{CLOUDFLARE_PORT}",
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_ZONE_ID": ZONE,
    }
    secrets = {name: settings.pop(name) for name in secret_names() & settings.keys()}
    common = {"apiVersion": "v1", "metadata": {"name": "slipway", "namespace": NAMESPACE}}
    return [{**common, "kind": "Secret", "stringData": secrets}, {**common, "kind": "ConfigMap", "data": settings}]


def _access(forge: dict[str, str]) -> list[dict[str, object]]:
    """Let builds read the forge's repositories."""
    metadata = {"name": "forge", "namespace": BUILDS, "annotations": {"tekton.dev/git-0": forge["GITEA_URL"]}}
    login = {"username": ACCOUNT, "password": forge["GITEA_TOKEN"]}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/basic-auth"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "slipway-build", "namespace": BUILDS}}
    return [{**secret, "stringData": login}, {**account, "secrets": [{"name": "forge"}]}]


def _tekton_events(kubectl: Kubectl) -> dict[str, object]:
    manifest: dict[str, object] = yaml.safe_load((KNATIVE / "platform" / "tekton-events.yaml").read_text())
    sink = kubectl("get", "broker", "slipway", "-n", NAMESPACE, "-o", "jsonpath={.status.address.url}")
    return {**manifest, "data": {"formats": "tektonv1", "sink": sink}}


def _has_namespace(kubectl: Kubectl) -> bool:
    return f"namespace/{NAMESPACE}" in kubectl("get", "namespaces", "-o", "name").split()
