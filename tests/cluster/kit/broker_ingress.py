"""The Broker's ingress, called from the node: kube-proxy's rules lead to the address of its Service."""

import json
import uuid
from dataclasses import dataclass

import httpx

from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import NAMESPACE
from tests.patience import patient


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerIngress:
    """Sends events to the Broker."""

    url: str

    def send(self, event_type: str, data: object, **extensions: str) -> str:
        """Send an event and return its id. Fails unless the Broker accepts it."""
        identity = str(uuid.uuid4())
        headers = {"ce-specversion": "1.0", "ce-id": identity, "ce-source": "/tests", "ce-type": event_type}
        headers |= {f"ce-{name}": value for name, value in extensions.items()} | {"content-type": "application/json"}
        answer = httpx.post(self.url, content=json.dumps(data), headers=headers, timeout=patient(10), trust_env=False)
        assert answer.status_code == 202, (answer.status_code, answer.text)
        return identity


def broker_ingress(kubectl: Kubectl) -> BrokerIngress:
    """Return the ingress of Slipway's Broker."""
    address = kubectl("get", "broker", "slipway", "-n", NAMESPACE, "-o", "jsonpath={.status.address.url}")
    service, _, namespace = address.split("/")[2].removesuffix(".svc.cluster.local").partition(".")
    inside = kubectl("get", "service", service, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    return BrokerIngress(url=address.replace(address.split("/")[2], inside))
