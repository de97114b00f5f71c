"""Events that a stranger would forge to take an app over: one for each type that a Trigger routes."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from functions.common.events.base import TYPE_PREFIX
from tests.conftest import ROOT
from tests.foreign_events import UPDATE, foreign_events

APP, PREVIEW = "hello", "greeting"
OTHER_SHA = "e" * 40
OTHER_DIGEST = "sha256:" + "e" * 64
_STOLEN = {
    "sequence": 1_000_000,
    "sha": OTHER_SHA,
    "digest": OTHER_DIGEST,
    "image": "registry.example.net/stranger",
    "processes": {"web": "cat /proc/self/environ"},
}
_END = {"state": "failed", "reason": "forged", "step": "forged"}

# What each forged event says, beside the fields of its example in schemas/examples. `{push}`, `{build}`, `{run}`,
# `{channel}` and `{release}` are those of the app under attack, so that no event fails for what it names.
_FORGED: Mapping[str, Mapping[str, Any]] = {
    "account.changed": {"app": "", "actor": "forged"},
    "app.created": {"host": "stolen.apps.example.org"},
    "app.deleted": {
        "environments": ["production", PREVIEW],
        "hosts": ["hello.apps.example.org"],
        "builds": ["{build}"],
    },
    "branch.deleted": {"branch": PREVIEW},
    "build.cancelled": {"build": "{build}"},
    "build.ended": {"build": "{build}", "push": "{push}", **_END},
    "build.failed": {"push": "{push}", "build": "{build}"},
    "build.requested": {
        "push": "{push}",
        "clone_url": "https://stranger.example.net/evil.git",
        "sha": OTHER_SHA,
        "sequence": 1_000_000,
    },
    "build.started": {"push": "{push}"},
    "certificate.changed": {"host": "hello.apps.example.org", "ready": False, "reason": "forged"},
    "certificate.failed": {"host": "hello.apps.example.org"},
    "config.changed": {"keys": ["FORGED"]},
    "deploy.requested": _STOLEN,
    "dns.refused": {"host": "hello.apps.example.org"},
    "domain.added": {"host": "stolen.example.net"},
    "domain.removed": {"host": "hello.apps.example.org"},
    "image.published": {"push": "{push}", **_STOLEN},
    "limits.changed": {"names": ["cpu"]},
    "maintenance.changed": {"on": True},
    "notification.requested": {"channel": "{channel}", "about": ""},
    "preview.closed": {"environment": PREVIEW, "branch": PREVIEW},
    "preview.opened": {"host": "stolen.apps.example.org"},
    "pullrequest.closed": {"branch": PREVIEW, "fork": False},
    "push.ignored": {"push": "{push}"},
    "push.received": {"after": OTHER_SHA, "branch": "main", "ref": "refs/heads/main", "before": "0" * 40},
    "push.superseded": {"push": "{push}"},
    "release.failed": {"release": "{release}", "push": "{push}"},
    "release.live": {"release": "{release}", "push": "{push}"},
    "release.started": {"push": "{push}"},
    "release.superseded": {"push": "{push}"},
    "restart.requested": {},
    "rollback.requested": {"to": 1},
    "run.cancelled": {"run": "{run}"},
    "run.requested": {"run": "{run}"},
    "scale.changed": {"processes": ["web"]},
    "undeploy.requested": {"through": 1_000_000},
    "workload.changed": {"release": "{release}", "phase": "failed", "reason": "forged", "push": "{push}"},
}
# Of the cluster's own parts; they are read from the cluster, whatever their events say.
_FOREIGN = {UPDATE, "dev.tekton.event.pipelinerun.successful.v1", "dev.tekton.event.pipelinerun.failed.v1"}
KNOWN_TYPES = frozenset({f"{TYPE_PREFIX}{name}.v1" for name in _FORGED} | _FOREIGN)


def forged_events(event_type: str, function: str, target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return structured events of a type that nobody recorded, each of which names parts of the target.

    Raises KeyError for a type without a row in the table.
    """
    if event_type in _FOREIGN:
        found = [event for event in foreign_events(function) if event["type"] == event_type]
        return [_filled(dict(event), target) for event in found]
    change = _FORGED[event_type.removeprefix(TYPE_PREFIX).removesuffix(".v1")]
    example = json.loads((ROOT / "schemas" / "examples" / f"{event_type}.json").read_text())
    data = {**example, "app": APP, "environment": "production", **change}
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/slipway/manage-apps",
        "type": event_type,
        "subject": f"{APP}/{data['environment']}",
        "slipwayapp": APP,
        "slipwayenv": data["environment"],
        "data": data,
    }
    return [_filled(event, target)]


def _filled(event: dict[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(event)
    for name, value in target.items():
        text = text.replace(f'"{{{name}}}"', json.dumps(value))
    filled: dict[str, Any] = json.loads(text)
    push = filled.get("data", {}).get("push")
    return {**filled, "slipwaypush": push} if push else filled
