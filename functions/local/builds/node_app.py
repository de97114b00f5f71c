"""Building a Node app: its dependencies into node_modules."""

from pathlib import Path
from typing import Any

from functions.local.builds.detect import package_json
from functions.local.builds.steps import Steps

_LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json")
# What makes npm install something: the packages of `workspaces` have dependencies of their own, and are linked.
_WANTED = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")


def build_node(steps: Steps, *, app: Path, tools: Path) -> None:
    """Install what package.json asks for, and run its build script; `tools` is the folder of node and npm."""
    with steps.step("node", "Using Node.js"):
        package = package_json(app)
    path = {"PATH": f"{tools}:{steps.environment.get('PATH', '')}", "npm_config_update_notifier": "false"}
    locked = any((app / name).is_file() for name in _LOCK_FILES)
    if locked or _wants_something(package):
        verb = "ci" if locked else "install"
        with steps.step("dependencies", f"Installing dependencies with npm {verb}"):
            argv: list[str | Path] = [tools / "npm", verb, "--no-audit", "--no-fund", "--include=dev"]
            remedy = "see the lines above for the package that cannot be installed"
            steps.run(argv, folder=app, remedy=remedy, extra=path)
            (app / "node_modules" / ".package-lock.json").unlink(missing_ok=True)
    if (package.get("scripts") or {}).get("build"):
        with steps.step("build script", "Running npm run build"):
            remedy = "see the lines above; the script is `scripts.build` in package.json"
            steps.run([tools / "npm", "run", "build"], folder=app, remedy=remedy, extra=path)


def _wants_something(package: dict[str, Any]) -> bool:
    return any(package.get(name) for name in _WANTED)
