"""The namespaces of environments: Slipway's own are those with its labels, others stay as they are."""

import logging
from dataclasses import dataclass

from functions.common.adapters.kubernetes_api import KubernetesApi, Object
from functions.common.adapters.kubernetes_environment import namespace
from functions.common.adapters.kubernetes_labels import labels_of
from functions.common.adapters.kubernetes_place import NAMESPACES, Place
from functions.common.errors import Rejected, Unavailable

_log = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """Makes and looks at namespaces of single environments."""

    api: KubernetesApi

    def claim(self, app: str, environment: str, place: Place) -> None:
        """Make the namespace, or go on with the one that an earlier try made.

        It is created, never applied: that would take over one that is there. Raises Rejected when somebody
        else has it, and Unavailable while one of its name is going.
        """
        if self.api.create(NAMESPACES, namespace(app, environment, place)):
            return
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None or found["metadata"].get("deletionTimestamp"):
            msg = f"namespace {place.namespace} is on its way out: it is tried again"
            raise Unavailable(msg)
        if not _is_own(found, app, environment):
            msg = (
                f"namespace {place.namespace} is there and is not Slipway's: it lacks the labels of "
                f"{app}/{environment}; choose another app name, or delete it"
            )
            raise Rejected(msg)

    def may_remove(self, app: str, environment: str, place: Place) -> bool:
        """Return whether the namespace is the environment's own; somebody else's is told of in the log and stays."""
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None:
            return False
        own = _is_own(found, app, environment)
        if not own:
            _log.warning("namespace %s is not that of %s/%s: it stays", place.namespace, app, environment)
        return own


def _is_own(found: Object, app: str, environment: str) -> bool:
    return labels_of(app, environment).items() <= (found["metadata"].get("labels") or {}).items()
