"""`task cluster:test`: Slipway on the cluster, then every test that needs one; and whether a CI run has time for it."""

import os
import shutil
import subprocess
import sys

from tests.cluster.kit.api import api, api_down
from tests.cluster.kit.build import binaries, is_built
from tests.cluster.kit.cache import Cache
from tests.cluster.kit.gitea import settings_file
from tests.cluster.kit.install import install
from tests.cluster.kit.steps import StepError
from tests.conftest import ROOT

STORY = "tests/cluster/test_story.py"
API_TESTS = ("-m", "cluster", "--ignore=tests/cluster", "-n", "2")
SHOW_OUTPUT = "-rP"  # passed tests print measurements


def run_tests(cache: Cache) -> None:
    """Test the adapters on a bare API server, then this checkout on the running cluster. Raises StepError."""
    _on_the_api(cache)
    _on_the_cluster(cache, "gitea", "tests/contract", "tests/functions")
    _on_the_cluster(cache, "live or cluster", SHOW_OUTPUT, "tests/cluster")
    _on_the_cluster(cache, "durable", SHOW_OUTPUT, "tests/cluster", overlay="nats")


def run_story(cache: Cache) -> None:
    """Test the adapters on a bare API server, and on the running cluster what a user does first. Raises StepError."""
    _on_the_api(cache)
    _on_the_cluster(cache, "live", SHOW_OUTPUT, STORY)


def _on_the_api(cache: Cache) -> None:
    """Run the contract suites on a server without controllers: the tests act as every object's controller."""
    api(cache)
    try:
        kubeconfig = cache.instance("api").kubeconfig
        run_pytest(cache, {"KUBECONFIG": str(kubeconfig)}, *API_TESTS)
    finally:
        api_down(cache)


def _on_the_cluster(cache: Cache, marks: str, *words: str, overlay: str = "trial") -> None:
    instance = cache.instance("cluster")
    install(cache, overlay=overlay)
    forge = dict(line.split("=", 1) for line in settings_file(instance).read_text().splitlines())
    settings = {**forge, "KUBECONFIG": str(instance.kubeconfig)}
    run_pytest(cache, settings, "-m", marks, "--durations=15", *words)


def run_pytest(cache: Cache, settings: dict[str, str], *words: str) -> None:
    """Run pytest with these settings and kubectl on the PATH. Raises StepError when a test fails."""
    machine = dict(os.environ)  # noqa: TID251 - the tests run as this process does
    path = f"{cache.binaries}:{machine['PATH']}"  # kubectl is found there
    command = [sys.executable, "-m", "pytest", *words]
    if subprocess.run(command, cwd=ROOT, env={**machine, **settings, "PATH": path}, check=False).returncode:
        msg = "tests on the cluster failed: see above"
        raise StepError(msg)


def warm(cache: Cache) -> None:
    """Print that `cluster:up` takes minutes. Raises StepError with the reason in one line when it takes longer."""
    missing = [binary.name for binary in binaries() if not is_built(cache, binary)]
    reasons = {
        "it needs root": os.geteuid() != 0,
        "Go is not installed": shutil.which("go") is None,
        f"{len(missing)} programs are not built (`task cluster:build`)": bool(missing),
    }
    for reason, applies in reasons.items():
        if applies:
            msg = f"the tests on a real cluster are left out: {reason}"
            raise StepError(msg)
    print("every program of the cluster is in the cache")
