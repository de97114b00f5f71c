"""BuildLogs and RuntimeLogs: the files of the one-machine platform and a cluster's pods fulfil the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.logs import KubernetesRuntimeLogs, TektonBuildLogs
from functions.common.adapters.kubernetes.names import labels_of
from functions.common.adapters.local.logs import LocalBuildLogs, LocalRuntimeLogs
from functions.local.builds.steps import BuildLog
from tests.contract.logs import LogsContract, LogsWorld
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, loopback_kubernetes


class _LocalWorld:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "builds").mkdir()
        self.builds = LocalBuildLogs(builds=folder / "builds")
        self.runtime = LocalRuntimeLogs(apps=folder / "apps")

    def build_says(self, name: str, text: str) -> None:
        _append(self._folder / "builds" / f"{name}.log", text)

    def build_ends(self, name: str) -> None:
        log = BuildLog(self._folder / "builds" / f"{name}.log")
        log.end("succeeded")
        log.close()

    def build_fails(self, name: str) -> None:
        log = BuildLog(self._folder / "builds" / f"{name}.log")
        log.end("failed")
        log.close()

    def app_says(self, release: int, text: str) -> None:
        _append(self._folder / "apps" / "hello" / "production" / f"{release}-web.log", text)


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


class TestLocal(LogsContract):
    """In files."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> LogsWorld:
        """Return logs without a line."""
        return _LocalWorld(tmp_path)

    def test_a_read_without_a_cursor_returns_the_newest_release_of_each_process(self, tmp_path: Path) -> None:
        """Later reads return new lines of older releases too."""
        world = _LocalWorld(tmp_path)
        world.app_says(9, "old\n")
        world.app_says(10, "new\n")
        _append(tmp_path / "apps" / "hello" / "production" / "9-worker.log", "at work\n")
        first = world.runtime.read("hello", "production", "")
        world.app_says(9, "not gone yet\n")
        second = world.runtime.read("hello", "production", first.cursor)

        assert first.text == "9-worker: at work\n10-web: new\n"
        assert second.text == "9-web: not gone yet\n"


class _KubernetesWorld:
    def __init__(self, server: LoopbackKubernetes) -> None:
        self.server = server
        self.builds = TektonBuildLogs(api=server.api, namespace="builds")
        self.runtime = KubernetesRuntimeLogs(api=server.api)
        self._lines = 0

    def build_says(self, name: str, text: str) -> None:
        run = f"/apis/tekton.dev/v1/namespaces/builds/pipelineruns/{name}"
        self.server.objects.setdefault(run, {"kind": "PipelineRun", "metadata": {"name": name}})
        of_run = {"tekton.dev/pipelineRun": name}
        # Tekton's affinity assistant, a pod without logs, keeps a run's pods on one node until the run has ended.
        self._pod("builds", f"affinity-assistant-{name}", of_run, ["affinity-assistant"])
        of_task = {**of_run, "tekton.dev/taskRun": f"{name}-fetch"}
        self._pod("builds", f"{name}-fetch", of_task, ["step-begin", "step-fetch", "step-late"])
        self._write(f"{name}-fetch", "step-begin", "")
        self._write(f"{name}-fetch", "step-fetch", text)

    def build_ends(self, name: str) -> None:
        run = self.server.objects[f"/apis/tekton.dev/v1/namespaces/builds/pipelineruns/{name}"]
        run["status"] = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}]}

    def build_fails(self, name: str) -> None:
        pod = self.server.objects[f"/api/v1/namespaces/builds/pods/{name}-fetch"]
        ends = {"step-late": 1, "step-fetch": 2, "step-begin": 0}  # Tekton skips what follows, and has it fail
        pod["status"] = {
            "containerStatuses": [{"name": step, "state": {"terminated": {"exitCode": ends[step]}}} for step in ends]
        }
        self._write(f"{name}-fetch", "step-late", "Skipping step because a previous step failed\n")

    def app_says(self, release: int, text: str) -> None:
        marks = {"slipway.dev/release": str(release)}
        self._pod("app-hello", f"web-{release:03}", labels_of("hello", "production", "web"), ["web"], marks)
        for line in text.splitlines():
            self._lines += 1
            self._write(f"web-{release:03}", "web", f"2026-01-02T03:04:05.{self._lines:09}Z {line}\n")

    def _pod(
        self,
        namespace: str,
        name: str,
        labels: dict[str, str],
        containers: list[str],
        annotations: dict[str, str] | None = None,
    ) -> None:
        metadata = {"name": name, "labels": labels, "annotations": annotations or {}}
        spec = {"containers": [{"name": one} for one in containers]}
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self.server.objects.setdefault(path, {"kind": "Pod", "metadata": metadata, "spec": spec})

    def _write(self, pod: str, container: str, text: str) -> None:
        self.server.logs[pod, container] = self.server.logs.get((pod, container), "") + text


class TestKubernetes(LogsContract):
    """Pods' logs, by HTTP on this machine."""

    @pytest.fixture
    def world(self) -> Iterator[LogsWorld]:
        """Yield logs without a line."""
        with loopback_kubernetes("builds", "app-hello") as server:
            yield _KubernetesWorld(server)
