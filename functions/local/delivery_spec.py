"""The `delivery` of a Broker or Trigger."""

from functions.common.errors import Rejected
from functions.local.durations import seconds
from functions.local.resource import Resource
from functions.local.routing import Backoff, Delivery

_FIELDS = ("retry", "backoffPolicy", "backoffDelay", "timeout", "deadLetterSink", "format")


def read_broker_delivery(spec: Resource) -> Delivery:
    """Return the delivery that Triggers have when they say nothing. Raises Rejected."""
    return _read(spec, sink=None)


def read_trigger_delivery(spec: Resource, default: Delivery) -> Delivery:
    """Return a Trigger's own delivery; only the dead-letter sink falls back to the Broker's. Raises Rejected.

    On a cluster a Trigger's `delivery` replaces the Broker's as a whole: without a `retry` of its own
    it would have none. So it must say all of it.
    """
    for name in ("retry", "backoffPolicy", "backoffDelay"):
        if name not in spec.body:
            spec.refuse(name, "is missing: a Trigger's delivery replaces the Broker's as a whole, so it must say it")
    return _read(spec, sink=default.sink)


def service_name(destination: Resource) -> str:
    """Return the name of the Knative Service in a `ref`. Raises Rejected for any other destination."""
    ref = destination.part("ref").only("apiVersion", "kind", "name", "namespace")
    if not ref.body:
        destination.refuse("ref", "is missing: only a Knative Service can be a destination")
    if ref.text("kind") != "Service" or ref.text("apiVersion") != "serving.knative.dev/v1":
        ref.refuse("kind", "must be Service of serving.knative.dev/v1")
    return ref.text("name")


def _read(spec: Resource, *, sink: str | None) -> Delivery:
    spec.only(*_FIELDS)
    if spec.text("format", "binary") != "binary":
        spec.refuse("format", "must be binary")
    policy = spec.text("backoffPolicy", "exponential")
    if policy not in set(Backoff):
        spec.refuse("backoffPolicy", f"must be {' or '.join(Backoff)}, not {policy!r}")
    if "deadLetterSink" in spec.body:
        sink = service_name(spec.part("deadLetterSink").only("ref"))
    if sink is None:
        spec.refuse("deadLetterSink", "is missing: an event that no function can handle would be lost")
    return Delivery(
        retry=spec.count("retry", 10),
        policy=Backoff(policy),
        delay=_duration(spec, "backoffDelay", "PT0.2S"),
        timeout=_duration(spec, "timeout", "") if "timeout" in spec.body else None,
        sink=sink,
    )


def _duration(spec: Resource, name: str, default: str) -> float:
    text = spec.text(name, default)
    try:
        return seconds(text)
    except Rejected as error:
        spec.refuse(name, str(error))
