"""`task cluster:install`: Slipway on the cluster, as docs/operate.md has it."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

import yaml

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import migrate
from functions.local.demo.traffic import AppClient
from tests.cluster.kit.acme import authority_file
from tests.cluster.kit.build_images import BUILDER, DEBIAN, push_slipway
from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.gitea import ACCOUNT, settings_file
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import REGISTRY, REGISTRY_URL
from tests.cluster.kit.overlay import DOMAIN, HOST, KNATIVE, NAMESPACE, delete_other_broker, write_overlay
from tests.cluster.kit.steps import step, wait_until
from tests.conftest import ROOT
from tests.fakes.loopback_cloudflare import TOKEN, ZONE
from tests.patience import patient

BUILDS = "slipway-builds"
DATABASE_INSIDE = "postgresql://postgres@postgres.data.svc.cluster.local:5432/slipway"
DATABASE = f"postgresql://postgres@{CLUSTER.address}:5432/slipway"
CLOUDFLARE_PORT = 8787
# The apps that run as a Deployment and as a Knative Service; a Rollout is the default.
PLAIN, IDLE = "plain", "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What the tests need to use it; saved in the instance's folder, readable by its owner alone."""

    token: str
    webhook_secret: str
    image: str

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"https://{HOST}"


def install(cache: Cache, *, overlay: str = "trial") -> Installed:
    """Install it, or update it to this checkout; resumable."""
    instance = cache.instance("cluster")
    kubectl = Kubectl(cache, instance)
    installed = _saved(instance, push_slipway(cache))
    with step("making the database"):
        _database(installed)
    with step(f"applying Slipway, overlay {overlay}"):
        kubectl("create", "namespace", NAMESPACE) if not _has_namespace(kubectl) else None
        forge = dict(line.split("=", 1) for line in settings_file(instance).read_text().splitlines())
        kubectl.apply([_secret(installed, forge)])
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
    fresh = {"token": secrets.token_hex(32), "webhook_secret": secrets.token_hex(16)}
    installed = Installed(**{**fresh, **known, "image": image})
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(installed)))
    return installed


def _state_file(instance: Instance) -> Path:
    return instance.folder / "slipway.json"


def _database(installed: Installed) -> None:
    server = Postgres(DATABASE.rpartition("/")[0] + "/postgres")
    if not server.run("select 1 from pg_database where datname = 'slipway'"):
        server.run("create database slipway")
    server.close()
    database = Postgres(DATABASE)
    migrate(database, ROOT / "schemas" / "migrations")
    database.run(
        "insert into api_tokens (digest, name, role) values (:digest, 'first', 'admin') on conflict do nothing",
        digest=hashlib.sha256(installed.token.encode()).hexdigest(),
    )
    database.close()


def _secret(installed: Installed, forge: dict[str, str]) -> dict[str, object]:
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
    metadata = {"name": "slipway", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": settings}


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
