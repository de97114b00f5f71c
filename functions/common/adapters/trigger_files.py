"""Subscriptions read from the Triggers in knative/functions/*.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.common.adapters.lazy import lazy
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope
from functions.common.ports.events import Subscription

if TYPE_CHECKING:
    import yaml
else:  # only a dry run of a redrive needs it
    yaml = lazy("yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFiles:
    """Subscriptions over a folder of manifests."""

    folder: Path

    def of(self, envelope: Envelope) -> tuple[Subscription, ...]:
        """Return the matching subscriptions; see Subscriptions."""
        context = {"id": envelope.id, "source": envelope.source, "type": envelope.type, "subject": envelope.subject}
        attributes = {**envelope.extensions, **context}
        found = [
            Subscription(trigger=trigger["metadata"]["name"], function=trigger["spec"]["subscriber"]["ref"]["name"])
            for trigger in self._triggers()
            if _matches(trigger["spec"].get("filter", {}).get("attributes", {}), attributes)
        ]
        return tuple(sorted(found, key=lambda subscription: (subscription.function, subscription.trigger)))

    def _triggers(self) -> Iterator[Mapping[str, Any]]:
        try:
            load_all = yaml.safe_load_all
        except ImportError as error:
            msg = "the Triggers cannot be read here: PyYAML is not installed; see `kubectl get triggers`"
            raise Unavailable(msg) from error
        files = sorted(self.folder.glob("*.yaml"))
        if not files:
            msg = "the Triggers cannot be read here: no manifests; see `kubectl get triggers`"
            raise Unavailable(msg)
        for file in files:
            for document in load_all(file.read_text(encoding="utf-8")):
                if document and document.get("kind") == "Trigger":
                    yield document


def _matches(wanted: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    return all(attributes.get(name) == value for name, value in wanted.items())
