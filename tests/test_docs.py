"""The documents name what exists."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
RECIPES = ROOT / "docs" / "extend.md"  # names files that the reader writes
NAMED = re.compile(r"(?<![\w/.-])(?:functions|tests|knative|schemas|docs)/[\w./-]*\w")
TASK = re.compile(r"`task ([a-z][\w:]*)")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != RECIPES], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    assert {name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_task_that_a_page_names_exists(page: Path) -> None:
    tasks = set(re.findall(r"^  ([\w:]+):$", (ROOT / "Taskfile.yml").read_text(), re.MULTILINE))
    assert set(TASK.findall(page.read_text())) <= tasks | {"default"}
