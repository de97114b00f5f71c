"""Clusters that are there already: what is wrong with them is said, with the remedy."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.existing import PARTS, check
from tests.cluster.steps import StepError
from tests.conftest import ROOT
from tests.real_kubernetes import real_api

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
"""


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ran(action: str, **environment: str) -> tuple[int, str]:
    """Run it as a user does; return exit code and complaint."""
    command = [sys.executable, "-m", "tests.cluster", action]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr.strip()


def test_an_unknown_choice_is_named() -> None:
    assert ran("up", CLUSTER="minikube") == (1, "CLUSTER is 'minikube': it can be own, current, kind")


@pytest.mark.parametrize("action", ["install", "story", "down"])
def test_what_is_for_our_own_cluster_is_refused(action: str) -> None:
    code, said = ran(action, CLUSTER="current")
    assert (code, "with your own" in said) == (1, True), said


def test_kind_that_is_not_installed_is_named(tmp_path: Path) -> None:
    code, said = ran("up", CLUSTER="kind", PATH=str(tmp_path))
    assert (code, "`kind`" in said) == (1, True), said


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    code, said = ran("up", CLUSTER="current", KUBECONFIG=missing)
    assert (code, missing in said, "KUBECONFIG" in said) == (1, True, True), said


def test_a_server_that_is_away_is_named_with_its_kubeconfig(tmp_path: Path, closed_port: int) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(port=closed_port))
    with pytest.raises(StepError, match=str(file)):
        check(file)


@pytest.mark.cluster
def test_each_part_is_known_by_what_a_real_server_serves() -> None:
    api = real_api()
    for part in PARTS:
        served = api.read(f"/apis/{part.group}") or {}
        assert part.resource in [one["name"] for one in served["resources"]], part
