"""The documents name what exists."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.manifests import function_manifests

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
RECIPES = ROOT / "docs" / "extend.md"  # names files that the reader writes
NAMED = re.compile(r"(?<![\w/.-])(?:functions|tests|knative|schemas|docs)/[\w./-]*\w")
ROW = re.compile(r"^\| ([a-z-]+) \|.*\|.*\| (.*) \|$", re.MULTILINE)
PORT = re.compile(r"^class (\w+)\(.*Protocol", re.MULTILINE)
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


def test_the_page_of_the_architecture_lists_every_function_and_no_port_that_is_gone() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## The functions\n")[2].partition("\n## ")[0]
    rows = dict(ROW.findall(table))
    rows.pop("function")
    sources = (path.read_text() for path in (ROOT / "functions" / "common" / "ports").glob("*.py"))
    ports = {name for source in sources for name in PORT.findall(source)}

    assert set(rows) == {manifest.name for manifest in function_manifests()}
    assert {name for cell in rows.values() for name in re.findall(r"\b[A-Z][a-z]\w+", cell)} - ports == set()
