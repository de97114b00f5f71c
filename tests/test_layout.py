"""Folder, manifest, Trigger filter and event class agree; the code keeps its shape."""

import ast
import itertools
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.event_types import all_events
from tests.manifests import FunctionManifest, function_manifests

FUNCTIONS = ROOT / "functions"
NOT_FUNCTIONS = {"common", "cli", "local"}
FUNCTION_LINES = 30
MODULE_LINES = 25
# Modules with fewer lines than that, and why each is a file.
SHORT = {
    "common/adapters/system_clock.py": "the one adapter of a port",
    "common/adapters/dns/noop_dns.py": "the adapter for no DNS provider, beside those for providers",
    "common/domain/addresses.py": "what two functions and the API need alike",
    "common/domain/tokens.py": "what the API and the git server need alike",
    "cli/usage.py": "a command of its own",
    "export_metrics/app.py": "a composition root",
    "common/events/notification.py": "the events of one subject, as each of its files",
    "common/ports/clock.py": "the port that nearly every function takes",
    "local/git/hooks.py": "writes the hook; the hook itself imports nothing of ours",
    "local/platform/ticker.py": "a program of its own",
    "reconcile/images.py": "one step of reconcile, as each of its files",
    "start_build/cancel.py": "the other events of start-build",
    "track_release/canary_progress.py": "what a cluster shows and one machine reports by itself",
}
WITHOUT_DATABASE = {"dashboard"}
CLASS_TYPES = {event.__name__: event.type for event in all_events()}
MANIFESTS = pytest.mark.parametrize("manifest", function_manifests(), ids=lambda manifest: manifest.name)
SLOW_PACKAGES = {"httpx", "kubernetes", "pg8000", "yaml"}
SOURCES = sorted(path for path in FUNCTIONS.rglob("*.py"))


def folder_of(manifest: FunctionManifest) -> Path:
    return FUNCTIONS / manifest.name.replace("-", "_")


def routed_types(app: Path) -> set[str]:
    """Return the types that a composition root routes: on(Class, ...) and on_type("type", ...)."""
    types = set()
    for node in ast.walk(ast.parse(app.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id == "on" and isinstance(first, ast.Name):
                types.add(CLASS_TYPES[first.id])
            if node.func.id == "on_type" and isinstance(first, ast.Constant):
                types.add(str(first.value))
    return types


def late_imports(source: str) -> set[str]:
    """Return the third-party packages that functions import when they are called."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    late = [inside for function in functions for inside in ast.walk(function)]
    names = {alias.name for node in late if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in late if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - {"functions"} - sys.stdlib_module_names


def test_every_function_has_a_manifest_and_every_manifest_a_function() -> None:
    folders = {path.name.replace("_", "-") for path in FUNCTIONS.iterdir() if path.is_dir()} - NOT_FUNCTIONS
    folders = {name for name in folders if not name.startswith(("-", "."))}
    assert folders == {manifest.name for manifest in function_manifests()}


@MANIFESTS
def test_the_service_runs_the_folder_of_its_name(manifest: FunctionManifest) -> None:
    folder = folder_of(manifest)
    target = manifest.environment["FUNCTION_TARGET"]
    assert manifest.service["metadata"]["name"] == manifest.name
    assert manifest.environment["FUNCTION_SOURCE"] == f"functions/{folder.name}/app.py"
    assert target == folder.name
    check = "no_database" if manifest.name in WITHOUT_DATABASE else "check_migrations"
    assert f"\n{target} = http_target(create, {check})\n" in (folder / "app.py").read_text()


@MANIFESTS
def test_the_triggers_let_through_what_the_function_routes(manifest: FunctionManifest) -> None:
    from_triggers = manifest.event_types | {"dev.knative.sources.ping" for _ in manifest.of_kind("PingSource")}
    assert from_triggers == routed_types(folder_of(manifest) / "app.py")


@MANIFESTS
def test_threads_and_concurrency_agree(manifest: FunctionManifest) -> None:
    revision = manifest.service["spec"]["template"]["spec"]
    assert revision["containerConcurrency"] == int(manifest.environment["THREADS"])


@MANIFESTS
def test_the_container_is_locked_down(manifest: FunctionManifest) -> None:
    container = manifest.service["spec"]["template"]["spec"]["containers"][0]
    security = container["securityContext"]
    assert (security["runAsNonRoot"], security["readOnlyRootFilesystem"]) == (True, True)
    assert (security["allowPrivilegeEscalation"], security["capabilities"]) == (False, {"drop": ["ALL"]})
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["resources"]["limits"]["memory"]


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_stay_short() -> None:
    functions = [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines_of(node))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > len(SOURCES)
    assert [(name, lines) for name, lines in functions if lines > FUNCTION_LINES] == []


def test_a_file_is_worth_opening() -> None:
    """What is split into files of a few lines is read by jumping between them."""
    files = {path.relative_to(FUNCTIONS).as_posix(): path.read_text().count("\n") for path in SOURCES}
    given = {
        f"{folder_of(manifest).name}/{name}.py" for manifest in function_manifests() for name in ("handler", "app")
    }
    few = {file for file, lines in files.items() if lines < MODULE_LINES and "/__" not in f"/{file}"}
    short = few - given  # every function has these two, however little it does
    assert short - set(SHORT) == set(), "put it beside what it belongs to, or say in SHORT why it is a file"
    assert set(SHORT) - set(files) == set()


def test_no_pattern_lets_a_line_break_pass_at_its_end() -> None:
    """A dollar matches before one too, so that a name could end in it; Z with a backslash does not."""
    lines = (line for path in (ROOT / "functions").rglob("*.py") for line in path.read_text().splitlines())
    assert [line for line in lines if "re.compile(" in line and "$" in line] == []


def test_third_party_packages_are_imported_late_through_lazy_alone() -> None:
    """Two threads that import one package now and then break it: see adapters/lazy.py. The command has one thread."""
    sources = [path for path in SOURCES if not path.is_relative_to(FUNCTIONS / "cli")]
    late = {str(path.relative_to(ROOT)): late_imports(path.read_text()) for path in sources}
    assert {file: names for file, names in late.items() if names} == {}


def test_a_late_import_is_found() -> None:
    late = "def call():\n  import ssl\n  import httpx\n  from functions import common\n"
    assert late_imports(f"import pg8000\n{late}  async def inner():\n    from yaml import load") == {"httpx", "yaml"}


@MANIFESTS
def test_a_cold_start_imports_no_slow_package(manifest: FunctionManifest) -> None:
    """Each takes 20 to 250 ms; `lazy` imports it at its first use."""
    code = f"import sys, functions.{folder_of(manifest).name}.app; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert SLOW_PACKAGES.intersection(ran.stdout.split()) == set()


def lazy_packages(source: str) -> set[str]:
    """Return the third-party packages that `lazy` imports."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [node.args[0] for node in calls if ast.unparse(node.func) == "lazy"]
    modules = {str(name.value) for name in named if isinstance(name, ast.Constant)}
    return {module.partition(".")[0] for module in modules} - {"functions", *sys.stdlib_module_names}


def test_packages_that_are_imported_lazily_are_declared() -> None:
    """Deptry, in `task dependencies`, sees only import statements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    declared = {re.split(r"[^\w.-]", requirement.lower())[0] for requirement in requirements}
    packages = set[str]().union(*(lazy_packages(path.read_text()) for path in SOURCES))
    of_module = packages_distributions()

    assert {"httpx", "kubernetes", "pg8000"} <= packages
    assert {name for name in packages if not declared & {one.lower() for one in of_module[name]}} == set()


# docs/style.md: the words that no technical text needs. Applied migrations cannot be edited.
UNPLAIN = re.compile(r"\b(whoever|anew|somebody|told|tells)\b", re.IGNORECASE)
KEEPS_UNPLAIN = ("/migrations/", "docs/style.md", "tests/test_layout.py", "tests/payloads/", "schemas/openapi.json")


def test_texts_are_in_plain_english() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    found = [
        f"{name}:{number}: {match[0]}"
        for name in listed.split("\0")
        if (ROOT / name).is_file() and not any(part in f"{name}" for part in KEEPS_UNPLAIN)
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        for match in UNPLAIN.finditer(line)
    ]
    assert found == []
