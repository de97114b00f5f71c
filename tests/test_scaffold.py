"""The first recipe of docs/extend.md, carried out in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.scaffold import main

COPIED = ("functions", "knative", "schemas", "tests", "docs", "pyproject.toml", "Taskfile.yml")
COMMAND = re.compile(r"^ *task new -- (.+)$", re.MULTILINE)


class Copy:
    """A copy of the repository, in which the tools of this environment run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            source = ROOT / name
            shutil.copytree(source, root / name, ignore=ignored) if source.is_dir() else shutil.copy(source, root)
        if (ROOT / ".mypy_cache").exists():  # else mypy reads every library again, for half a minute
            shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")

    def run(self, *command: str) -> str:
        """Run a module of Python in the copy; return what it prints. Fails with that when it fails."""
        variables = {**os.environ, "PYTHONPATH": str(self.root)}  # noqa: TID251 - the tools run as this process does
        done = subprocess.run(
            [sys.executable, *command], cwd=self.root, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[Path, bytes]:
        """Return the content of each file of the repository."""
        found = (path for name in COPIED for path in [self.root / name, *(self.root / name).rglob("*")])
        return {path: path.read_bytes() for path in found if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return the copy after the command of the recipe."""
    copy = Copy(tmp_path_factory.mktemp("copy"))
    before = copy.files()
    command = COMMAND.search((copy.root / "docs" / "extend.md").read_text())
    assert command
    copy.run("-m", "tests.scaffold", *command[1].split())
    after = copy.files()
    changed = {path for path in before if after[path] != before[path]}
    assert {path.name for path in changed} == {"kustomization.yml", "architecture.md"}
    assert len(after.keys() - before.keys()) == 5
    return copy


def test_the_new_function_keeps_the_style_and_the_types(copy: Copy) -> None:
    copy.run("-m", "ruff", "check", "--no-cache", "functions", "tests")
    copy.run("-m", "ruff", "format", "--check", "--no-cache", "functions", "tests")
    copy.run("-m", "mypy", "functions/count_releases", "tests/functions/count_releases")


def test_the_new_function_keeps_the_dependency_rule(copy: Copy) -> None:
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    assert "0 broken" in copy.run("-c", linter, "--no-cache")


def test_the_new_function_has_its_place_in_the_layout_and_runs(copy: Copy) -> None:
    places = [f"tests/{name}.py" for name in ("test_layout", "functions/test_endpoints", "invariants/test_08_least")]
    places += ["tests/knative/test_bundle.py", "tests/functions/count_releases", "tests/test_docs.py"]
    chosen = "count_releases or count-releases or every_function_has or lists or worth_opening or the_page"
    printed = copy.run("-m", "pytest", "-p", "no:cacheprovider", "-vv", "-k", chosen, *places)
    for test in (
        "test_every_function_has_a_manifest",
        "test_a_file_is_worth_opening",
        "test_the_page_of_the_architecture_lists_every_function",
        "test_the_triggers_let_through_what_the_function_routes[count-releases]",
        "test_every_event_is_answered_as_a_broker_wants_it_and_twice_alike[count-releases]",
        "test_invariant_08_a_function_may_do_what_the_table_says_and_nothing_else[count-releases]",
        "test_a_kustomization_lists_what_lies_beside_it[functions]",
        "test_an_event_is_logged[ReleaseLive]",
    ):
        assert test in printed, printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "usage: task new"),
        (("count", "ReleaseLive"), "usage: task new"),
        (("Count-releases", "ReleaseLive"), "usage: task new"),
        (("count-releases", "Release"), "no event class is called Release"),
        (("track-release", "ReleaseLive"), "track-release exists already"),
    ],
)
def test_wrong_arguments_write_nothing(arguments: tuple[str, ...], complaint: str) -> None:
    assert (main(*arguments) or "").startswith(complaint)
