"""`CLUSTER=kind`: a cluster made by kind, in the container engine of this machine."""

import shutil

from tests.cluster.kit.cache import Cache
from tests.cluster.kit.existing import check, run_api_tests
from tests.cluster.kit.steps import StepError, output_of, step

NAME = "slipway"
NEXT = "install what is missing and Slipway on it, docs/operate.md; `CLUSTER=kind task cluster:down` deletes it"


def up(cache: Cache) -> None:
    """Create it unless it exists, and print what it has of what Slipway needs. Raises StepError."""
    kubeconfig = cache.instance("kind").kubeconfig
    chosen = ("--name", NAME, "--kubeconfig", str(kubeconfig))  # kind would change the user's own
    if NAME not in _kind("get", "clusters").split():
        kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        with step(f"creating the kind cluster {NAME}"):
            _kind("create", "cluster", *chosen, "--wait", "120s")
    _save_kubeconfig(cache)
    print(f"  KUBECONFIG={kubeconfig}")
    print(f"  next: {NEXT}")
    check(str(kubeconfig))


def test(cache: Cache) -> None:
    """Run the tests that need its API and CRDs. Raises StepError."""
    if NAME not in _kind("get", "clusters").split():
        msg = f"there is no kind cluster {NAME}: `CLUSTER=kind task cluster:up` makes it"
        raise StepError(msg)
    _save_kubeconfig(cache)
    run_api_tests(cache, str(cache.instance("kind").kubeconfig))


def down(cache: Cache) -> None:
    """Delete it. Raises StepError."""
    instance = cache.instance("kind")
    with step(f"deleting the kind cluster {NAME}"):
        _kind("delete", "cluster", "--name", NAME, "--kubeconfig", str(instance.kubeconfig))
        shutil.rmtree(instance.folder, ignore_errors=True)


def _save_kubeconfig(cache: Cache) -> None:
    file = cache.instance("kind").kubeconfig
    credentials = _kind("get", "kubeconfig", "--name", NAME)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(credentials)


def _kind(*words: str) -> str:
    command = shutil.which("kind")
    if command is None:
        msg = "CLUSTER=kind needs the command `kind` and a container engine: install both, or leave CLUSTER unset"
        raise StepError(msg)
    try:
        return output_of([command], *words)
    except StepError as error:
        msg = f"{error}: does the container engine run? `CLUSTER=kind task cluster:down` removes what was made"
        raise StepError(msg) from error
