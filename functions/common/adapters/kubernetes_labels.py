"""How Slipway's objects in a cluster are named and marked.

Labels are what is selected by, annotations what is only read; both travel with every report of an object.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from functions.common.domain.environment import PRODUCTION

APP, ENVIRONMENT, PROCESS = "slipway.dev/app", "slipway.dev/environment", "slipway.dev/process"
RELEASE, PUSH = "slipway.dev/release", "slipway.dev/push"
MANAGED = "app.kubernetes.io/managed-by"
MANAGER = "slipway"
LABEL_LIMIT = 63


def dns_label(text: str, *, limit: int = LABEL_LIMIT) -> str:
    """Return the text as it is, or cut with a digest of it, so that it is at most so many characters."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}-{digest}"


def namespace_of(app: str, environment: str) -> str:
    """Return the environment's own namespace; different environments never share one: no name contains `--`."""
    return dns_label(f"app-{app}" if environment == PRODUCTION else f"app-{app}--{environment}")


def labels_of(app: str, environment: str, process: str = "") -> dict[str, str]:
    """Return the labels of an environment's objects, or of one process type's."""
    labels = {MANAGED: MANAGER, APP: app, ENVIRONMENT: dns_label(environment)}
    return {**labels, PROCESS: process} if process else labels


def selected_by(app: str, environment: str, process: str) -> dict[str, str]:
    """Return the labels by which a process type's pods are found; never change them: selectors are immutable."""
    return {APP: app, ENVIRONMENT: dns_label(environment), PROCESS: process}


def annotation(found: Mapping[str, Any], name: str) -> str:
    """Return an annotation of an object, or of a pod template; empty when it is not there."""
    return str(((found.get("metadata") or {}).get("annotations") or {}).get(name, ""))
