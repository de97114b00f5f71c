"""The pods below a Broker that NATS keeps, each of which may go away at any time."""

from functions.common.adapters.kubernetes.api import KubernetesApi
from tests.local.waiting import until

EVENTING, ROLE = "knative-eventing", "messaging.knative.dev/role"
PARTS = {
    "dispatcher": (EVENTING, {"messaging.knative.dev/channel": "nats-jetstream-channel", ROLE: "dispatcher"}),
    "filter": (EVENTING, {"eventing.knative.dev/brokerRole": "filter"}),
    "ingress": (EVENTING, {"eventing.knative.dev/brokerRole": "ingress"}),
    "nats": ("data", {"app": "nats"}),
}


def restart(api: KubernetesApi, part: str) -> None:
    """Delete the pods of one of PARTS and wait for others to be ready."""
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
