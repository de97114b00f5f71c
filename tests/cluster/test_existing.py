"""Clusters that are there already: what is wrong with them is said, with the remedy."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kit.cache import DEFAULT_HOME, Cache
from tests.cluster.kit.existing import PARTS, SECRET, check, run_api_tests
from tests.cluster.kit.steps import StepError
from tests.fakes.loopback import Call, Reply, served
from tests.real_kubernetes import real_api

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
"""
ELSEWHERE = KUBECONFIG.format(port=1).replace("current-context: here", "current-context: there")


class Pages:
    """What a server says at some paths, and nothing elsewhere."""

    def __init__(self, pages: Mapping[str, Any] | None = None) -> None:
        self.pages = pages or {}

    def answer(self, call: Call) -> Reply:
        """Return the answer to a request."""
        return Reply(status=200, body=self.pages[call.path]) if call.path in self.pages else Reply(status=404)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def kubeconfig(tmp_path: Path, closed_port: int) -> Path:
    """Return one that leads to the closed port."""
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(port=closed_port))
    return file


def page(resources: tuple[str, ...]) -> dict[str, Any]:
    return {"resources": [{"name": name} for name in resources]}


def of_all(version: str) -> tuple[str, ...]:
    return tuple(resource for part in PARTS for resource in part.serves.get(version, ()))


@pytest.mark.parametrize("text", ["", "{[", "hello", "[1]", "current-context: here", ELSEWHERE])
def test_what_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(StepError, match=f"{file} is no kubeconfig"):
        check(str(file))


def test_a_server_that_is_away_is_named_with_its_kubeconfig(kubeconfig: Path, closed_port: int) -> None:
    with pytest.raises(StepError, match=f"{kubeconfig}, context here, http://127.0.0.1:{closed_port}: .*KUBECONFIG"):
        check(str(kubeconfig))


def test_what_is_no_kubernetes_is_not_taken_for_one(kubeconfig: Path, closed_port: int) -> None:
    with served(Pages(), "127.0.0.1", closed_port), pytest.raises(StepError, match="is no Kubernetes API"):
        check(str(kubeconfig))


def test_what_is_missing_is_named_line_by_line(
    kubeconfig: Path, closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = Pages(
        {"/version": {"gitVersion": "v1.35.4"}, "/apis/tekton.dev/v1": page(("pipelineruns", "pipelines", "tasks"))}
    )
    with served(pages, "127.0.0.1", closed_port), pytest.raises(StepError) as refused:
        check(str(kubeconfig))

    missing = [line.split(" is missing")[0].strip() for line in str(refused.value).splitlines()[1:]]
    assert missing == ["Kubernetes 1.30", "Knative Serving", "Knative Eventing", "cert-manager"]
    said = capsys.readouterr().out
    assert "  Tekton Pipelines: tekton.dev/v1 pipelineruns, pipelines, tasks\n" in said
    assert [line.split()[1:4] for line in said.splitlines() if "warning" in line][-1] == ["Argo", "Rollouts", "is"]


def test_an_installed_slipway_is_not_tested_over(kubeconfig: Path, closed_port: int) -> None:
    served_here = {f"/apis/{version}": page(of_all(version)) for part in PARTS for version in part.serves}
    pages = Pages({"/version": {"gitVersion": "v1.35.4"}, **served_here, SECRET: {"kind": "Secret"}})
    with served(pages, "127.0.0.1", closed_port), pytest.raises(StepError, match="Slipway is installed"):
        run_api_tests(Cache(home=DEFAULT_HOME), str(kubeconfig))


@pytest.mark.cluster
def test_a_real_server_serves_every_part() -> None:
    assert {part.name: part.lacking(real_api()) for part in PARTS} == {part.name: [] for part in PARTS}
