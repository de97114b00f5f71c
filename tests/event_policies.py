"""Who may send which events to the Broker; `python -m tests.event_policies` writes knative/components/event-policies.

The table says what each function sends. A reply carries the identity of the Trigger that it answers, any other event
that of the function's SinkBinding.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from functions.common.events.base import TYPE_PREFIX
from tests.conftest import ROOT
from tests.manifests import FunctionManifest, function_manifests

FILE = ROOT / "knative" / "components" / "event-policies" / "policies.yaml"
HEAD = """\
# Written by `task schemas` from tests/event_policies.py. The Broker takes an event only from a function that sends its
# type; everything else is refused with 403.
"""
SENDS = {
    "verify-webhook": "push.received branch.deleted tag.created pullrequest.opened pullrequest.updated "
    "pullrequest.closed",
    "resolve-app": "build.requested push.ignored push.superseded preview.opened preview.closed",
    "start-build": "build.started build.failed push.superseded image.published",
    "record-build": "image.published build.failed push.superseded",
    "promote-image": "release.started release.superseded release.failed",
    "track-release": "release.live release.failed",
    "upsert-dns": "dns.ready dns.refused",
    "issue-cert": "certificate.ready certificate.failed",
    "send-notifications": "notification.requested",
}
ANY = ("manage-apps", "reconcile")  # they send again what was recorded or parked, whatever its type
SOURCES = ("workloads", "certificates")
_BROKER = {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "slipway"}}


def text() -> str:
    """Return the content of the file."""
    return HEAD + "---\n".join(yaml.safe_dump(policy, sort_keys=False, width=110) for policy in policies())


def policies() -> Iterator[dict[str, Any]]:
    """Yield the policies: one for each function that sends anything, and one for the ApiServerSources."""
    for manifest in function_manifests():
        if manifest.name in ANY:
            yield _policy(manifest.name, _senders(manifest), {"prefix": {"type": "dev."}})
        elif manifest.name in SENDS:
            types = ", ".join(f"'{TYPE_PREFIX}{name}.v1'" for name in SENDS[manifest.name].split())
            yield _policy(manifest.name, _senders(manifest), {"cesql": f"type IN ({types})"})
    sources = [_ref("sources.knative.dev/v1", "ApiServerSource", name) for name in SOURCES]
    yield _policy("sources", sources, {"prefix": {"type": "dev.knative.apiserver.resource."}})


def sent_types() -> set[str]:
    """Return the types that some function of the table sends."""
    return {f"{TYPE_PREFIX}{name}.v1" for names in SENDS.values() for name in names.split()}


def _senders(manifest: FunctionManifest) -> list[dict[str, Any]]:
    return [
        _ref(found["apiVersion"], kind, found["metadata"]["name"])
        for kind in ("SinkBinding", "Trigger")
        for found in manifest.of_kind(kind)
    ]


def _ref(version: str, kind: str, name: str) -> dict[str, Any]:
    return {"ref": {"apiVersion": version, "kind": kind, "name": name, "namespace": "slipway"}}


def _policy(name: str, senders: list[dict[str, Any]], types: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "eventing.knative.dev/v1alpha1",
        "kind": "EventPolicy",
        "metadata": {"name": name, "namespace": "slipway"},
        "spec": {"to": [_BROKER], "from": senders, "filters": [types]},
    }


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())
