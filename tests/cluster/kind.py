"""`CLUSTER=kind`: a cluster by kind, in the container engine of this machine."""

import shutil
import subprocess

from tests.cluster.cache import Cache
from tests.cluster.existing import check, test_existing
from tests.cluster.steps import StepError, step

NAME = "slipway"


def up(cache: Cache) -> None:
    """Create it unless it is there, and say what it has of what Slipway needs. Raises StepError."""
    if NAME not in _kind("get", "clusters").split():
        with step(f"creating the kind cluster {NAME}"):
            _kind("create", "cluster", "--name", NAME, "--wait", "120s")
    kubeconfig = cache.instance("kind").kubeconfig
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(_kind("get", "kubeconfig", "--name", NAME))
    print(f"  KUBECONFIG={kubeconfig}")
    check(kubeconfig)


def test(cache: Cache) -> None:
    """Run there the tests that need its API and CRDs. Raises StepError."""
    test_existing(cache, cache.instance("kind").kubeconfig)


def down(cache: Cache) -> None:
    """Delete it. Raises StepError."""
    with step(f"deleting the kind cluster {NAME}"):
        _kind("delete", "cluster", "--name", NAME)
        shutil.rmtree(cache.instance("kind").folder, ignore_errors=True)


def _kind(*words: str) -> str:
    command = shutil.which("kind")
    if command is None:
        msg = "CLUSTER=kind needs the command `kind` and a container engine: install both, or leave CLUSTER unset"
        raise StepError(msg)
    try:
        ran = subprocess.run([command, *words], capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired as error:
        msg = f"kind {' '.join(words)}: no end after 600 s"
        raise StepError(msg) from error
    if ran.returncode:
        msg = f"kind {' '.join(words)}: {ran.stderr.strip()[-2000:]}: does the container engine run?"
        raise StepError(msg)
    return ran.stdout
