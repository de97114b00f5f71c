"""kubectl, with the administrator's credentials."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.manifests import Manifest
from tests.cluster.kit.steps import output_of

MANAGER = "slipway-cluster"


class Kubectl:
    """Runs kubectl against one instance. Raises StepError with its error when it fails."""

    def __init__(self, cache: Cache, instance: Instance) -> None:
        self._command: list[str | Path] = [cache.binaries / "kubectl", "--kubeconfig", instance.kubeconfig]

    def __call__(self, *words: str, text: str | None = None, seconds: float = 600) -> str:
        """Run one command and return what it printed."""
        return output_of(self._command, *words, text=text, seconds=seconds)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Begin a command that goes on, such as a watch; the caller ends it."""
        return subprocess.Popen([*self._command, *words], stdout=subprocess.PIPE, text=True)

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Apply on the server's side and take over fields that others own."""
        text = yaml.dump_all(manifests, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
        self("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-", text=text)
