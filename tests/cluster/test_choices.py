"""What CLUSTER can be, as a user says it; what cannot be done is said in a line with the remedy."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.patience import patient


def ran(action: str, **environment: str) -> tuple[int, str]:
    """Run it as a user does; return exit code and complaint."""
    command = [sys.executable, "-m", "tests.cluster.kit", action]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patient(60), check=False
    )
    return done.returncode, done.stderr.strip()


def test_an_unknown_choice_is_named() -> None:
    assert ran("up", CLUSTER="minikube") == (1, "CLUSTER is 'minikube': it can be own, current, kind")


@pytest.mark.parametrize("cluster", ["current", "kind"])
@pytest.mark.parametrize("action", ["install", "story"])
def test_what_is_for_our_own_cluster_is_refused(action: str, cluster: str) -> None:
    code, said = ran(action, CLUSTER=cluster)
    assert (code, "docs/operate.md" in said, said.count("\n")) == (1, True, 0), said


def test_nothing_of_a_users_own_cluster_is_removed() -> None:
    said = "CLUSTER=current is a cluster of yours: nothing of it is ours to remove"
    assert ran("down", CLUSTER="current") == (1, said)


@pytest.mark.parametrize("action", ["up", "test", "down"])
def test_kind_that_is_not_installed_is_named(tmp_path: Path, action: str) -> None:
    code, said = ran(action, CLUSTER="kind", PATH=str(tmp_path))
    assert (code, "`kind`" in said) == (1, True), said


def test_a_container_engine_that_does_not_answer_is_said(tmp_path: Path) -> None:
    kind = tmp_path / "kind"
    kind.write_text("#!/bin/sh\necho Cannot connect to the daemon >&2; exit 1\n")
    kind.chmod(0o755)
    code, said = ran("up", CLUSTER="kind", PATH=str(tmp_path))
    assert (code, "engine run?" in said, "Cannot connect" in said) == (1, True, True), said


@pytest.mark.parametrize("action", ["up", "test"])
def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path, action: str) -> None:
    missing = str(tmp_path / "nowhere")
    code, said = ran(action, CLUSTER="current", KUBECONFIG=missing)
    assert (code, missing in said, "set KUBECONFIG" in said) == (1, True, True), said
