"""What holds how much of one machine's disk."""

import os
from pathlib import Path

from functions.common.adapters.local.disk import LocalDiskUsage
from functions.common.adapters.postgres.client import Postgres
from tests.story import Story

KIB = 1024
FILES = {  # path -> the kind and app that hold it
    "images/1/run/server": ("images", "shop"),
    "images/2/run/server": ("images", ""),
    "images/3/run/server": ("images", ""),
    "builds/shop-1.log": ("builds", "shop"),
    "builds/gone-1.log": ("builds", ""),
    "cache/dependencies/shop/production/x": ("caches", "shop"),
    "cache/builds/blog/topic/x": ("caches", "blog"),
    "git/slipway/shop.git/objects/x": ("repositories", "shop"),
    "git/slipway/blog.git/HEAD": ("repositories", "blog"),
    "logs/apps/shop/production/1-web.log": ("logs", "shop"),
    "logs/builds.log": ("logs", ""),
    "apps/blog/production/1/data": ("data", "blog"),
    "postgres/base/1": ("database", ""),
    "nats/jetstream/x": ("events", ""),
    "instance.json": ("other", ""),
}


def test_every_file_counts_once_for_its_kind_and_app(database: str, tmp_path: Path) -> None:
    table = Postgres(database)
    story = Story(database=table)
    for name in ("shop", "blog"):
        table.run("insert into projects (name, git_repo_name) values (:name, :name)", name=name)
    story.build("shop-1", app="shop")
    story.release(1, state="live", app="shop")
    for app in ("shop", "blog"):  # both have the image 2
        story.release(2, state="live", app=app)
    expected = dict.fromkeys(FILES.values(), 0)
    for path, holder in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x" * 64 * KIB)
        expected[holder] += 64 * KIB
    os.link(tmp_path / "images/1/run/server", tmp_path / "images/1/run/again")
    (tmp_path / "images/1/run/link").symlink_to("/etc")

    found = LocalDiskUsage(home=tmp_path, database=table).measure()

    measured = {(one.kind, one.app): one.size for one in found.holdings}
    assert measured.keys() == expected.keys()
    assert all(size <= measured[holder] < size + 8 * KIB for holder, size in expected.items())
    assert [one.size for one in found.holdings] == sorted((one.size for one in found.holdings), reverse=True)
    assert found.free > 0
    table.close()
