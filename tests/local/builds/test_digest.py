"""Digests of folders."""

import os
from pathlib import Path

from functions.local.builds.image import tree_digest


def folder(path: Path, content: str = "one", mode: int = 0o644) -> Path:
    (path / "sub").mkdir(parents=True)
    (path / "sub" / "file").write_text(content)
    (path / "sub" / "file").chmod(mode)
    (path / "link").symlink_to("sub/file")
    return path


def test_times_do_not_change_the_digest(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "first"), folder(tmp_path / "second")
    os.utime(second / "sub" / "file", (1, 1))

    assert tree_digest(first) == tree_digest(second)
    assert tree_digest(first).startswith("sha256:")


def test_content_mode_name_and_links_count(tmp_path: Path) -> None:
    digests = {
        tree_digest(folder(tmp_path / "plain")),
        tree_digest(folder(tmp_path / "content", content="two")),
        tree_digest(folder(tmp_path / "mode", mode=0o755)),
    }
    renamed = folder(tmp_path / "renamed")
    (renamed / "sub").rename(renamed / "other")
    linked = folder(tmp_path / "linked")
    (linked / "link").unlink()
    (linked / "link").symlink_to("elsewhere")

    assert len(digests | {tree_digest(renamed), tree_digest(linked)}) == 5
