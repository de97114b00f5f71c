"""Builds Node apps: with the Node.js and the package manager that they ask for, as their lock file says."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from functions.common.errors import Rejected
from functions.local.builds.context import Built, Context
from functions.local.builds.dependencies import key_of
from functions.local.builds.node_apps import started
from functions.local.builds.toolchain import Asked
from functions.local.builds.tree import Tree, table, text_field

_LTS = {
    "argon": "4",
    "boron": "6",
    "carbon": "8",
    "dubnium": "10",
    "erbium": "12",
    "fermium": "14",
    "gallium": "16",
    "hydrogen": "18",
    "iron": "20",
    "jod": "22",
    "krypton": "24",
}
_ANY = frozenset({"node", "stable", "latest", "current", "lts", "lts/*", "*", ""})
_LOCKS = (
    *(("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")),
    *(("package-lock.json", "npm"), ("npm-shrinkwrap.json", "npm")),
)
# The version of a package manager that wrote a lock file of this version.
_OF_PNPM_LOCK = {"5.3": "6", "5.4": "7", "6.0": "8", "6.1": "8", "9.0": "10"}
_MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun"})
# Each of these lets a package manager install something: the packages of `workspaces` are linked, and have their own.
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")
_SEE_ABOVE = "see the lines above for the package that cannot be installed"
_NPM_SETTINGS = {
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_fetch_timeout": "60000",
    "npm_config_fetch_retry_maxtimeout": "5000",
    "npm_config_fetch_retry_mintimeout": "1000",
    "YARN_ENABLE_TELEMETRY": "0",
    "NEXT_TELEMETRY_DISABLED": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "NUXT_TELEMETRY_DISABLED": "1",
    "COREPACK_ENABLE_STRICT": "0",
}
_NEXT_CACHE = (
    '[ ! -d "$HOME/next-cache" ] || { mkdir -p .next && rm -rf .next/cache && mv "$HOME/next-cache" .next/cache; }'
)
_KEEP_NEXT_CACHE = '[ ! -d .next/cache ] || { rm -rf "$HOME/next-cache" && mv .next/cache "$HOME/next-cache"; }'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """A package manager; `lock` is its lock file, `folder` where it installs.

    `is_plug`: it keeps packages in archives, which only its own `node` finds.
    """

    name: str
    asked: Asked
    lock: str
    folder: Path
    is_plug: bool = False

    def install(self) -> list[str]:
        """Return the arguments that install what the lock file says, or what package.json says without one."""
        locked = bool(self.lock)
        if self.name == "npm":
            return ["ci" if locked else "install", "--no-audit", "--no-fund", "--include=dev"]
        if self.name == "pnpm":
            return ["install", *(["--frozen-lockfile"] if locked else ["--no-frozen-lockfile"]), "--prod=false"]
        if self.name == "bun":
            return ["install", *(["--frozen-lockfile"] if locked else [])]
        if self.is_berry:
            return ["install", *(["--immutable"] if locked else ["--no-immutable"])]
        return ["install", *(["--frozen-lockfile"] if locked else []), "--production=false", "--non-interactive"]

    @property
    def is_berry(self) -> bool:
        """Return whether this is Yarn 2 or newer."""
        return self.name == "yarn" and not re.match(r"\D*[01](\D|\Z)", self.asked.version)


def node_version(tree: Tree, package: Mapping[str, Any]) -> Asked:
    """Return the version of Node.js that the repository asks for, and by which file."""
    for name in (".node-version", ".nvmrc"):
        text = next((line.partition("#")[0].strip() for line in tree.lines(name) if line.strip()), "")
        if text:
            return Asked(version=_of_nvm(text, name), source=name)
    for line in tree.lines(".tool-versions"):
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] in {"nodejs", "node"}:
            return Asked(version=_of_nvm(words[1], ".tool-versions"), source=".tool-versions")
    for keys in (("volta", "node"), ("engines", "node")):
        if version := text_field(package, *keys):
            return Asked(version="" if version in _ANY else version, source=f"`{'.'.join(keys)}` of package.json")
    return Asked()


def _of_nvm(text: str, name: str) -> str:
    """Return the range that nvm understands by a line of its file."""
    lower = text.lower()
    if lower in _ANY:
        return ""
    if lower.startswith("lts/"):
        version = _LTS.get(lower.removeprefix("lts/"))
        if not version:
            msg = f"{name} asks for the Node.js release line {text!r}, which is not known: write its number, such as 22"
            raise Rejected(msg)
        return version
    return text.removeprefix("v")


def package_manager(context: Context, package: Mapping[str, Any]) -> Manager:
    """Return what installs the dependencies: by `packageManager`, else by the lock file, else npm. Raises Rejected."""
    folder = _install_folder(context)
    tree = Tree(folder=folder, top=context.checkout)
    top = package if folder == context.app else tree.json("package.json")
    lock, by_lock = next(((name, tool) for name, tool in _LOCKS if tree.has(name)), ("", "npm"))
    named, _, version = (text_field(package, "packageManager") or text_field(top, "packageManager")).partition("@")
    if named and named not in _MANAGERS:
        msg = f"`packageManager` of package.json asks for {named!r}: known are npm, pnpm, yarn and bun"
        raise Rejected(msg)
    name = named or by_lock
    lock = next((one for one, tool in _LOCKS if tool == name and tree.has(one)), "")
    if named and version:
        asked = Asked(version=version, source="`packageManager` of package.json")
    else:
        asked = Asked(version=_by_lock(tree, name, lock, top), source=lock or "package.json")
    is_plug = name == "yarn" and _is_plug(tree, asked)
    return Manager(name=name, asked=asked, lock=lock, folder=folder, is_plug=is_plug)


def _install_folder(context: Context) -> Path:
    """Return the folder to install in: of a workspace it is the one that has the lock file."""
    if context.app == context.checkout or context.tree.first(*(name for name, _ in _LOCKS)):
        return context.app
    top = Tree(folder=context.checkout, top=context.checkout)
    is_workspace = top.has("pnpm-workspace.yaml") or (
        top.has("package.json") and "workspaces" in top.json("package.json")
    )
    return context.checkout if is_workspace else context.app


def _by_lock(tree: Tree, name: str, lock: str, package: Mapping[str, Any]) -> str:
    """Return the version of the package manager that wrote the lock file, as far as it says."""
    if engine := text_field(package, "engines", name):
        return engine
    if name == "pnpm":
        found = re.search(r"^lockfileVersion: '?([\d.]+)", tree.text(lock), re.MULTILINE) if lock else None
        return _OF_PNPM_LOCK.get(found[1] if found else "", "10")
    if name == "yarn":
        found = re.search(r"^__metadata:\n\s+version: (\d+)", tree.text(lock), re.MULTILINE) if lock else None
        return "1" if not found else "4" if int(found[1]) >= _YARN_4 else "3"
    return "1" if name == "bun" else ""


_YARN_4 = 8


def _is_plug(tree: Tree, asked: Asked) -> bool:
    """Return whether this Yarn makes no `node_modules`."""
    linker = re.search(r"^nodeLinker:\s*['\"]?([\w-]+)", tree.text(".yarnrc.yml"), re.MULTILINE)
    is_classic = re.match(r"\D*[01](\D|\Z)", asked.version)
    return not is_classic and (linker is None or linker[1] == "pnp")


def build_node(context: Context) -> Built:
    """Install the dependencies and run the build script; return how the app starts. Raises StepFailed."""
    steps = context.steps
    with steps.step("node", "Choosing Node.js"):
        package = context.tree.json("package.json")
        manager, asked = package_manager(context, package), node_version(context.tree, package)
        node = context.toolchain.node(asked)
        _, version = steps.ask([node / "node", "--version"], folder=node)
        steps.log.line(f"Node.js {version.strip()}" + (f", because of {asked.source}" if asked.version else ""))
        path = (*_of_manager(context, manager), str(node))
    variables = {
        **_NPM_SETTINGS,
        "PATH": ":".join((*path, steps.environment.get("PATH", ""))),
        "NODE_ENV": "production",
    }
    scripts = table(package, "scripts")
    script = _Scripts(context=context, manager=manager, scripts=scripts, variables=variables)
    key = _key(context, manager, package, version)
    script.run("heroku-prebuild")
    _install(context, manager, package, variables, key)
    script.run(_build_script(scripts), before=_NEXT_CACHE, after=_KEEP_NEXT_CACHE)
    script.run("heroku-cleanup")
    with steps.step("processes", "Looking for what starts the app"):
        runner = manager.name if manager.is_plug or manager.name == "bun" else ""
        built = started(context, package, runner)
    known = tuple(one for one in path if one != str(context.toolchain.tools))
    installed = manager.folder / "node_modules"
    environment = {"NODE_ENV": "production", **_of_npm(package)}
    return replace(built, path=known, environment=environment, installed=installed, key=key)


def _of_npm(package: Mapping[str, Any]) -> dict[str, str]:
    """Return what npm gives a start script about its package, which some apps show as their version."""
    found = {name: text_field(package, name) for name in ("name", "version")}
    return {f"npm_package_{name}": value for name, value in found.items() if value}


def _of_manager(context: Context, manager: Manager) -> tuple[str, ...]:
    if manager.name == "npm" and not manager.asked.version:
        return ()
    tree = Tree(folder=manager.folder, top=context.checkout)
    bundled = re.search(r"^yarnPath:\s*['\"]?([^'\"\s]+)", tree.text(".yarnrc.yml"), re.MULTILINE)
    if manager.name == "yarn" and bundled and tree.has(bundled[1]):
        # Any Yarn runs the one that the repository holds.
        context.steps.log.line(f"yarn of {bundled[1]}")
        return (str(context.toolchain.manager("yarn", Asked(version="1", source=".yarnrc.yml"))),)
    found = context.toolchain.manager(manager.name, manager.asked)
    name = next((one.name for one in found.parents if one.parent == context.toolchain.tools), manager.name)
    context.steps.log.line(f"{name.replace('-', ' ', 1)}, because of {manager.asked.source}")
    return (str(found),)


# Scripts that package managers run when they install: they may do more than what a lock file says.
_INSTALLING = ("heroku-prebuild", "preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare")
_SETTINGS = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpm-workspace.yaml", "bunfig.toml")
_ASKED = (*_DEPENDENCIES, "overrides", "resolutions", "pnpm", "packageManager", "engines", "trustedDependencies")


def _key(context: Context, manager: Manager, package: Mapping[str, Any], version: str) -> str:
    """Return what the dependencies are installed by; empty where files of the repository are among them."""
    tree = Tree(folder=manager.folder, top=context.checkout)
    asked = json.dumps({name: package.get(name) for name in _ASKED}, sort_keys=True)
    of_the_repository = manager.folder != context.app or "workspaces" in package or tree.has("pnpm-workspace.yaml")
    if not manager.lock or manager.is_plug or of_the_repository or re.search(r'"(file|link|portal|patch):', asked):
        return ""
    if any(name in table(package, "scripts") for name in _INSTALLING):
        return ""
    settings = (tree.text(name) for name in _SETTINGS)
    return key_of((manager.name, manager.asked.version, version, tree.digest(manager.lock), asked, *settings))


def _install(
    context: Context, manager: Manager, package: Mapping[str, Any], variables: Mapping[str, str], key: str
) -> None:
    if not manager.lock and not any(package.get(name) for name in _DEPENDENCIES):
        return
    if context.dependencies.reuse(key, manager.folder / "node_modules"):
        context.steps.log.header(f"Using the dependencies of the build before: {manager.lock} has not changed")
        return
    arguments = manager.install()
    with context.steps.step("dependencies", f"Installing dependencies with {manager.name} {arguments[0]}"):
        if not manager.lock:
            context.steps.log.line(
                "no lock file: the newest versions that package.json allows; commit one to keep them"
            )
        argv = ["/usr/bin/env", manager.name, *arguments]
        extra = {**variables, "CI": "1", "YARN_ENABLE_IMMUTABLE_INSTALLS": "true" if manager.lock else "false"}
        if manager.is_plug:  # its archives are what the app loads
            extra["YARN_ENABLE_GLOBAL_CACHE"] = "false"
        context.steps.run(argv, folder=manager.folder, remedy=_SEE_ABOVE, extra=extra, name=manager.name)
        _forget_times(manager.folder)


def _forget_times(folder: Path) -> None:
    """Delete the notes of package managers that differ between two equal installations."""
    modules = folder / "node_modules"
    if modules.resolve().is_relative_to(folder.resolve()):
        for name in (
            ".package-lock.json",
            ".modules.yaml",
            ".pnpm-workspace-state.json",
            ".pnpm-workspace-state-v1.json",
        ):
            (modules / name).unlink(missing_ok=True)
        (modules / ".yarn-integrity").unlink(missing_ok=True)
        (modules / ".yarn-state.yml").unlink(missing_ok=True)


def _build_script(scripts: Mapping[str, Any]) -> str:
    return "heroku-postbuild" if scripts.get("heroku-postbuild") else "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scripts:
    """Runs scripts of package.json by the app's own package manager."""

    context: Context
    manager: Manager
    scripts: Mapping[str, Any]
    variables: Mapping[str, str]

    def run(self, name: str, *, before: str = "", after: str = "") -> None:
        """Run a script if there is one, between two commands of the shell."""
        if not isinstance(self.scripts.get(name), str) or not self.scripts[name].strip():
            return
        command = shlex.join([self.manager.name, "run", name])
        title = f"Running {command}"
        whole = "\n".join(one for one in ("set -e", before, command, after) if one)
        with self.context.steps.step("build script", title):
            remedy = f"see the lines above; the script is `scripts.{name}` in package.json"
            argv = ["/bin/sh", "-c", whole]
            self.context.steps.run(
                argv, folder=self.context.app, remedy=remedy, extra=self.variables, name=self.manager.name
            )
