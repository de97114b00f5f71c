"""knative/ as the tests read it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "knative" / "functions"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionManifest:
    """One file of knative/functions."""

    name: str
    resources: tuple[Resource, ...]

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a kind."""
        return [resource for resource in self.resources if resource["kind"] == kind]

    @property
    def service(self) -> Resource:
        """The one Knative Service."""
        (service,) = [found for found in self.of_kind("Service") if found["apiVersion"].startswith("serving.knative")]
        return service

    @property
    def environment(self) -> dict[str, str]:
        """The container's plain environment."""
        container = self.service["spec"]["template"]["spec"]["containers"][0]
        return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}

    @property
    def event_types(self) -> set[str]:
        """The types that its Triggers let through."""
        return {trigger["spec"]["filter"]["attributes"]["type"] for trigger in self.of_kind("Trigger")}


@cache
def function_manifests() -> tuple[FunctionManifest, ...]:
    """Return every file of knative/functions, by name."""
    return tuple(read(path) for path in sorted(FOLDER.glob("*.yaml")))


def read(path: Path) -> FunctionManifest:
    """Return one file."""
    return FunctionManifest(name=path.stem, resources=tuple(yaml.safe_load_all(path.read_text())))
