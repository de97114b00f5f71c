"""What a pod said is there after the pod is gone."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster.kit.pod_logs import PodLogs
from tests.local.waiting import until

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def write(folder: Path, pod: str, *lines: str) -> Path:
    file = folder / f"{pod}_uid" / "user-container" / "0.log"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def test_a_log_outlives_its_pod_and_only_what_is_new_is_told(tmp_path: Path) -> None:
    before, after = "2026-01-01T11:59:59.999999999Z stderr F early", "2026-01-01T12:00:00.000000001Z stderr F late"
    with PodLogs(tmp_path, namespaces=("slipway",)) as logs:
        write(tmp_path, "slipway_start-build", before, after)
        write(tmp_path, "slipway_idle", before)
        write(tmp_path, "elsewhere_app", after)
        until(lambda: "late" in logs.since(BEGAN))
        shutil.rmtree(tmp_path / "slipway_start-build_uid")
        said = logs.since(BEGAN)
    assert said == f"--- slipway_start-build_uid user-container, 1 lines\n{after}\n"


def test_what_is_written_after_the_log_was_found_is_told_too(tmp_path: Path) -> None:
    with PodLogs(tmp_path, namespaces=("slipway",)) as logs:
        file = write(tmp_path, "slipway_start-build", "2026-01-01T12:00:01.000000000Z stderr F one")
        until(lambda: "one" in logs.since(BEGAN))
        with file.open("a") as more:
            more.write("2026-01-01T12:00:02.000000000Z stderr F two\n")
        until(lambda: "two" in logs.since(BEGAN))
