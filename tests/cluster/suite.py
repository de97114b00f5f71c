"""`task cluster:test`: Slipway on the cluster, then every test that needs one; and whether a CI run has time for it."""

import os
import shutil
import subprocess
import sys

from tests.cluster.build import binaries, is_built
from tests.cluster.cache import Cache
from tests.cluster.gitea_accounts import settings_file
from tests.cluster.install import install
from tests.cluster.steps import StepError
from tests.conftest import ROOT

MARKS = "cluster or gitea or live"


def run_tests(cache: Cache) -> None:
    """Install this checkout on the running cluster and test it. Raises StepError when a test fails."""
    instance = cache.instance("cluster")
    install(cache)
    forge = dict(line.split("=", 1) for line in settings_file(instance).read_text().splitlines())
    machine = dict(os.environ)  # noqa: TID251 - the tests run as this process does
    path = f"{cache.binaries}:{machine['PATH']}"  # kubectl is found there
    environment = {**machine, **forge, "PATH": path, "KUBECONFIG": str(instance.kubeconfig)}
    command = [sys.executable, "-m", "pytest", "-m", MARKS, "--durations=15"]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        msg = "tests on the cluster failed: see above"
        raise StepError(msg)


def warm(cache: Cache) -> None:
    """Say that `cluster:up` takes minutes here. Raises StepError, with the reason in one line, where it takes more."""
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
