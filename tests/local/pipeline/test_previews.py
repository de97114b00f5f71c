"""Previews: one app for each branch, deleted with it."""

import subprocess
import time
from pathlib import Path

from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.repositories import GIT
from tests.local.waiting import until
from tests.patience import patient


def preview_of(dev: Developer, branch: str) -> str:
    """Return the name of a branch's preview."""
    (found,) = [one["name"] for one in dev.paas_json("previews") if one["branch"] == branch]
    return str(found)


def remains(stage: Stage, host: str, program: str) -> list[str]:
    """Return what is left of an environment: its processes, routes, DNS record and certificate."""
    found = [str(one["name"]) for one in stage.platform.supervisor.call("getAllProcessInfo")]
    found = [name for name in found if name.startswith(program)]
    found += [path.name for path in (stage.home / "apps.d").glob(f"{program}*")]
    for table in ("dns_records", "certificates"):
        found += [table] if stage.rows(f"select 1 from platform.{table} where host = :host", host=host) else []  # noqa: S608
    folders = [stage.home / name for name in ("hosts", "certified", "caddy")]
    return found + [str(path) for folder in folders for path in folder.rglob(f"*{host}*")]


def nothing_remains(stage: Stage, host: str, program: str, *, seconds: float = 20) -> None:
    """Wait until nothing is left; fails with what is left."""
    deadline = time.monotonic() + patient(seconds)
    while remains(stage, host, program) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert remains(stage, host, program) == []


def test_a_branch_gets_a_preview_and_deleting_it_leaves_nothing(stage: Stage) -> None:
    dev = begin(stage, "views")
    sha = dev.commit({"only-here": "in the preview"})
    dev.push("HEAD:refs/heads/feature/main")
    stage.live(sha, "views")
    name = preview_of(dev, "feature/main")

    assert stage.get(f"{name}--views")[1].split()[0] == sha
    assert dev.paas_json("releases") == []
    assert stage.get("views")[0] != 200
    ((digest,),) = stage.rows("select digest from builds where sha = :sha", sha=sha)
    image = stage.home / "images" / digest.removeprefix("sha256:")
    assert image.is_dir()
    assert len(remains(stage, f"{name}--views.localhost", f"app.views.{name}.")) >= 5

    dev.push(":refs/heads/feature/main")

    nothing_remains(stage, f"{name}--views.localhost", f"app.views.{name}.")
    until(lambda: not image.exists(), why="the end of its image")
    assert stage.get(f"{name}--views")[0] != 200


def test_a_branch_deleted_without_a_webhook_closes_its_preview_and_keeps_a_shared_image(stage: Stage) -> None:
    dev = begin(stage, "unheard")
    sha = dev.deploy()
    dev.push("HEAD:refs/heads/quiet")
    until(lambda: stage.get("quiet--unheard")[1].startswith(sha), seconds=40, why="the preview")

    bare = Path(stage.home / "git/slipway/unheard.git")
    subprocess.run([GIT, "-C", str(bare), "update-ref", "-d", "refs/heads/quiet"], check=True, timeout=patient(20))

    nothing_remains(stage, "quiet--unheard.localhost", "app.unheard.quiet.")
    dev.paas("config", "set", "GREETING=still-here")
    until(lambda: stage.get("unheard")[1].split()[1:] == ["2", "still-here"], seconds=20, why="the shared image")
