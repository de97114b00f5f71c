"""kubectl, with the administrator's credentials."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.cluster.cache import Cache, Instance
from tests.cluster.manifests import Manifest
from tests.cluster.steps import StepError

MANAGER = "slipway-cluster"


class Kubectl:
    """Runs kubectl against one instance; what it refuses is a `StepError` with its words."""

    def __init__(self, cache: Cache, instance: Instance) -> None:
        self._command: list[str | Path] = [cache.binaries / "kubectl", "--kubeconfig", instance.kubeconfig]

    def __call__(self, *words: str, text: str | None = None, seconds: float = 600) -> str:
        """Run one command and return what it printed."""
        command = [*self._command, *words]
        try:
            ran = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            msg = f"kubectl {' '.join(words)}: no end after {seconds:.0f} s"
            raise StepError(msg) from error
        if ran.returncode:
            msg = f"kubectl {' '.join(words)}: {ran.stderr.strip()[-3000:]}"
            raise StepError(msg)
        return ran.stdout

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Apply on the server's side, taking over what others had set."""
        text = yaml.dump_all(manifests, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
        self("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-", text=text)
