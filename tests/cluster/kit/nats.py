"""A Broker of the overlay `nats` in a namespace of its own, with a sender, a subscriber and the pods behind it."""

import json
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import yaml

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from tests.conftest import ROOT
from tests.local.waiting import until
from tests.patience import patient

EVENTING = "/apis/eventing.knative.dev/v1/namespaces/{}"
OVERLAY = ROOT / "knative" / "overlays" / "nats"
RETRIED = {"retry": 8, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}
MAX_DELIVERIES = 3
DEAD_LETTER = {**RETRIED, "retry": MAX_DELIVERIES - 1}
# Event type -> path at the subscriber; the Trigger `failing` has its own delivery settings.
TRIGGERS = {"plain": "/", "answered": "/replies", "failing": "/failing"}
EVENTING_NAMESPACE, ROLE = "knative-eventing", "messaging.knative.dev/role"
PARTS = {
    "dispatcher": (EVENTING_NAMESPACE, {"messaging.knative.dev/channel": "nats-jetstream-channel", ROLE: "dispatcher"}),
    "filter": (EVENTING_NAMESPACE, {"eventing.knative.dev/brokerRole": "filter"}),
    "ingress": (EVENTING_NAMESPACE, {"eventing.knative.dev/brokerRole": "ingress"}),
    "nats": ("data", {"app": "nats"}),
}


@dataclass(frozen=True, kw_only=True)
class World:
    """A Broker and a subscriber, reached at the addresses of their Services, so from the node."""

    api: KubernetesApi
    namespace: str

    def send(self, identity: str, kind: str = "plain", **extensions: str) -> int:
        """Send an event to the Broker and return its answer's status."""
        named = {"specversion": "1.0", "id": identity, "type": f"test.{kind}", "source": "/natstest", **extensions}
        headers = {f"ce-{name}": value for name, value in named.items()}
        broker = self.api.read(EVENTING.format(self.namespace) + "/brokers/slipway") or {}
        host, _, path = broker["status"]["address"]["url"].removeprefix("http://").partition("/")
        service, space = host.split(".")[:2]
        return _call(f"http://{self._address(space, service)}/{path}", b"", {**headers, "Host": host})

    def is_up(self) -> bool:
        """Return whether the subscriber answers."""
        try:
            return self.deliveries("") == []
        except OSError:
            return False

    def is_sent(self, identity: str) -> bool:
        """Send an event and tell whether the Broker took it; it may be sent again."""
        try:
            return self.send(identity) == HTTPStatus.ACCEPTED
        except OSError:
            return False

    def deliveries(self, identity: str, path: str | None = None) -> list[Object]:
        """Return what reached the subscriber of this event, in order."""
        with urllib.request.urlopen(self._subscriber(), timeout=patient(5)) as answer:  # noqa: S310 - a Service's address
            came: list[Object] = json.load(answer)
        return [one for one in came if one["event"].get("id") == identity and path in (None, one["path"])]

    def set_mode(self, mode: str) -> None:
        """Let the subscriber answer 503 to everything (`closed`), or what each event asks for (`open`)."""
        _call(self._subscriber(), mode.encode(), {}, method="PUT")

    def _subscriber(self) -> str:
        return f"http://{self._address(self.namespace, 'subscriber')}/"

    def _address(self, namespace: str, service: str) -> str:
        found = self.api.read(f"/api/v1/namespaces/{namespace}/services/{service}") or {}
        return str(found["spec"]["clusterIP"])


def is_installed(api: KubernetesApi) -> bool:
    """Return whether this cluster has NATS' channel controller."""
    return api.read("/apis/apps/v1/namespaces/knative-eventing/deployments/jetstream-ch-controller") is not None


def build_world(api: KubernetesApi, namespace: str) -> World:
    """Create the Broker, its Triggers and the subscriber, and wait until all are ready."""
    broker, config = (yaml.safe_load((OVERLAY / name).read_text()) for name in ("broker.yaml", "nats.yaml"))
    config["data"]["channel-template-spec"] = config["data"]["channel-template-spec"].replace("replicas: 3", "")
    broker["spec"]["config"]["namespace"] = namespace
    broker["spec"]["delivery"] = {**RETRIED, "deadLetterSink": _subscriber("/dead")}
    for manifest in (broker, config):
        manifest["metadata"]["namespace"] = namespace
    api.apply(f"/api/v1/namespaces/{namespace}/configmaps/slipway-nats", config)
    api.apply(f"/apis/apps/v1/namespaces/{namespace}/deployments/subscriber", _deployment())
    api.apply(f"/api/v1/namespaces/{namespace}/services/subscriber", _service())
    api.apply(EVENTING.format(namespace) + "/brokers/slipway", broker)
    for name, path in TRIGGERS.items():
        api.apply(EVENTING.format(namespace) + f"/triggers/{name}", _trigger(name, path))
    for path in ("brokers/slipway", *(f"triggers/{name}" for name in TRIGGERS)):
        await_ready(api, EVENTING.format(namespace) + f"/{path}")
    world = World(api=api, namespace=namespace)
    until(world.is_up, seconds=60, why="the subscriber")
    return world


def restart(api: KubernetesApi, part: str) -> None:
    """Delete the pods of one of PARTS and wait until their successors are ready."""
    namespace, labels = PARTS[part]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in api.items(pods, labels)}
    assert before
    for name in before:
        api.delete(f"{pods}/{name}")

    def others() -> list[str]:
        found = api.items(pods, labels)
        return [pod["metadata"]["name"] for pod in found if pod["metadata"]["uid"] not in before.values()]

    for name in until(others, seconds=60, why=f"a new pod of {part}"):
        await_ready(api, f"{pods}/{name}")


def await_ready(api: KubernetesApi, path: str) -> None:
    """Wait for the condition Ready, or Available of a Deployment."""

    def is_ready() -> bool:
        conditions = ((api.read(path) or {}).get("status") or {}).get("conditions") or []
        return any(one["type"] in ("Ready", "Available") and one["status"] == "True" for one in conditions)

    until(is_ready, seconds=120, why=path)


def _trigger(name: str, path: str) -> Object:
    spec: Object = {"broker": "slipway", "filter": {"attributes": {"type": f"test.{name}"}}}
    if name == "failing":
        spec["delivery"] = {**DEAD_LETTER, "deadLetterSink": _subscriber("/dead")}
    return _named("eventing.knative.dev/v1", "Trigger", name, {**spec, "subscriber": _subscriber(path)})


def _subscriber(path: str) -> Object:
    return {"ref": {"apiVersion": "v1", "kind": "Service", "name": "subscriber"}, "uri": path}


def _deployment() -> Object:
    labels = {"app": "subscriber"}
    container = {
        "name": "subscriber",
        "image": "slipway.test/subscriber:1",
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "5m", "memory": "10Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return _named("apps/v1", "Deployment", "subscriber", {"selector": {"matchLabels": labels}, "template": template})


def _service() -> Object:
    ports = [{"port": 80, "targetPort": 8080}]
    return _named("v1", "Service", "subscriber", {"selector": {"app": "subscriber"}, "ports": ports})


def _named(version: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _call(url: str, body: bytes, headers: dict[str, str], *, method: str = "POST") -> int:
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - a Service's address
    with urllib.request.urlopen(request, timeout=patient(10)) as answer:  # noqa: S310 - as above
        status: Any = answer.status
        return int(status)
