"""Small projects for the one-machine platform: a Broker, Services and Triggers of a test's own."""

import textwrap
from pathlib import Path

_BROKER = """
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {{name: slipway, namespace: slipway}}
spec:
  delivery:
    retry: {retry}
    backoffPolicy: exponential
    backoffDelay: PT0.1S
    deadLetterSink:
      ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: park}}
"""

SERVICE = """
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: {name}, namespace: slipway}}
spec:
  template:
    spec:
      containerConcurrency: {concurrency}
      timeoutSeconds: {timeout}
      containers:
        - image: slipway
          env:
            - {{name: FUNCTION_SOURCE, value: sources/{source}.py}}
            - {{name: FUNCTION_TARGET, value: target}}
"""

TRIGGER = """
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {{name: {name}, namespace: slipway}}
spec:
  broker: slipway
  filter: {{attributes: {{{filter}}}}}
  subscriber:
    ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: {service}}}
"""

PING = """
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {{name: {name}, namespace: slipway}}
spec:
  schedule: "* * * * *"
  sink:
    ref: {{apiVersion: serving.knative.dev/v1, kind: Service, name: {service}}}
"""

NOTHING = """
def target(request):
    return "", 202
"""


def broker(*, retry: int) -> str:
    """Return the Broker's manifest; it repeats so often, after 0.1 s and then twice as long each time."""
    return _BROKER.format(retry=retry)


def service(name: str, *, concurrency: int = 8, timeout: int = 5) -> str:
    """Return a Service's manifest."""
    source = name.replace("-", "_") + "_source"
    return SERVICE.format(name=name, concurrency=concurrency, timeout=timeout, source=source)


def trigger(name: str, service: str, **attributes: str) -> str:
    """Return a Trigger's manifest."""
    pairs = ", ".join(f"{key}: {value}" for key, value in attributes.items())
    return TRIGGER.format(name=name, service=service, filter=pairs)


def ping(name: str, service: str) -> str:
    """Return the manifest of a PingSource that ticks each minute."""
    return PING.format(name=name, service=service)


BROKER = broker(retry=4)


def write_project(root: Path, manifests: str, *, broker: str = BROKER, **sources: str) -> Path:
    """Write a project; each Service gets the source given under its name, or one that does nothing."""
    (root / "knative/functions").mkdir(parents=True)
    (root / "knative/base").mkdir()
    (root / "sources").mkdir()
    (root / "knative/base/broker.yaml").write_text(broker)
    (root / "knative/functions/all.yaml").write_text(manifests)
    for line in manifests.splitlines():
        if "FUNCTION_SOURCE" in line:
            file = line.rpartition("sources/")[2].rstrip("}")
            source = sources.get(file.removesuffix("_source.py"), NOTHING)
            (root / "sources" / file).write_text(textwrap.dedent(source))
    return root
