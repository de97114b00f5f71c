"""Builds Python apps: with the interpreter that they ask for and the installer of their lock file, as it says."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from functions.local.builds.context import Built, Context, Site
from functions.local.builds.dependencies import key_of
from functions.local.builds.python_apps import default_web, static_settings
from functions.local.builds.site import checked_folder
from functions.local.builds.steps import Argv, StepFailed, Steps
from functions.local.builds.toolchain import Asked
from functions.local.builds.tree import BOMS, Tree, table, text_field

_EXPORTED = ".slipway-requirements.txt"  # what a lock file says, for uv; it is deleted when it is installed
_SEE_ABOVE = "see the lines above for the package that cannot be installed"
# Notes of where and when a package was built: without them the same commit gives the same digest.
_BUILD_METADATA = ("direct_url.json", "uv_cache.json", "uv_build.json")


def python_version(tree: Tree) -> Asked:
    """Return the version of Python that the repository asks for, and by which file; the most exact file counts."""
    for name in (".python-version", "runtime.txt"):
        text = next((line.partition("#")[0].strip() for line in tree.lines(name) if line.partition("#")[0].strip()), "")
        if text:
            return Asked(version=text.removeprefix("python-"), source=name)
    for line in tree.lines(".tool-versions"):
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] == "python":
            return Asked(version=words[1], source=".tool-versions")
    pipfile, project = tree.toml("Pipfile"), tree.toml("pyproject.toml")
    for key in ("python_full_version", "python_version"):
        if version := text_field(pipfile, "requires", key):
            return Asked(version="" if version == "*" else version, source=f"`requires.{key}` of the Pipfile")
    if version := text_field(project, "project", "requires-python"):
        return Asked(version=version, source="`requires-python` of pyproject.toml")
    if version := text_field(project, "tool", "poetry", "dependencies", "python"):
        source = "`tool.poetry.dependencies.python` of pyproject.toml"
        return Asked(version=poetry_range(version), source=source)
    return Asked()


def poetry_range(text: str) -> str:
    """Return a range of Poetry, such as `^3.11` or `~3.11`, in the form of Python's packages; the last of several."""
    parts = [_poetry_part(part.strip()) for part in text.rsplit("||", maxsplit=1)[-1].split(",")]
    return ",".join(part for part in parts if part)


def _poetry_part(part: str) -> str:
    match = re.fullmatch(r"(?P<sign>[\^~]?)=?\s*(?P<major>\d+)(\.(?P<minor>\d+))?(\.[\d*]+)*", part)
    if part == "*" or not match:
        return "" if part == "*" else part
    major, minor = int(match["major"]), match["minor"]
    version = part.lstrip("^~= ")
    if match["sign"] == "^" or (match["sign"] == "~" and minor is None):
        return f">={version},<{major + 1}"
    if match["sign"] == "~":
        return f">={version},<{major}.{int(minor) + 1}"
    return f"=={version.removesuffix('.*')}.*"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installer:
    """Installs an app's dependencies into `venv` by the tool of its lock file; `steps` see the interpreter."""

    context: Context
    steps: Steps
    venv: Path

    def create(self, interpreter: Path) -> None:
        """Make the virtual environment."""
        with self.steps.step("python", "Making a virtual environment"):
            uv = self.context.toolchain.uv
            argv: Argv = [uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", interpreter, self.venv]
            self.steps.run(argv, folder=self.context.app, remedy="see the lines above")

    def install(self) -> None:
        """Install by the first file that is there, and log which others are not read. Raises StepFailed."""
        tree = self.context.tree
        kinds: Sequence[tuple[str, Callable[[], None]]] = (
            ("uv.lock", self._by_uv),
            ("poetry.lock", self._by_poetry),
            ("Pipfile.lock", self._by_pipenv),
            ("requirements.txt", self._by_requirements),
            ("pyproject.toml", self._by_project),
            ("Pipfile", self._by_pipenv),
            ("setup.py", self._by_setup),
        )
        there = [(name, work) for name, work in kinds if tree.has(name)]
        if not there:
            return
        (name, work), *others = there
        ignored = [one for one, _ in others if one.endswith((".lock", ".txt"))]
        if ignored:
            self.steps.log.line(f"{name} says what to install; {', '.join(ignored)} is not read")
        work()

    def pip(self, *arguments: str | Path, remedy: str = _SEE_ABOVE) -> None:
        """Install what the arguments of `uv pip install` name. Raises StepFailed."""
        python = self.venv / "bin" / "python"
        argv: Argv = [self.context.toolchain.uv, "pip", "install", "--python", python, "--no-progress", *arguments]
        self.steps.run(argv, folder=self.context.app, remedy=remedy)

    def _by_requirements(self) -> None:
        _as_utf_8(self.context.tree, "requirements.txt")
        lines = (line.partition("#")[0].strip() for line in self.context.tree.lines("requirements.txt"))
        if any(lines):
            with self.steps.step("dependencies", "Installing dependencies from requirements.txt"):
                self.pip("-r", "requirements.txt")

    def _by_uv(self) -> None:
        with self.steps.step("dependencies", "Installing dependencies from uv.lock"):
            # Packages of a workspace are copied: a link to their sources would lead nowhere in an image.
            how = ("--locked", "--no-dev", "--no-install-project", "--no-editable", "--no-progress")
            extra = {"UV_PROJECT_ENVIRONMENT": str(self.venv), "UV_PYTHON": str(self.venv / "bin" / "python")}
            argv: Argv = [self.context.toolchain.uv, "sync", *how]
            self.steps.run(argv, folder=self.context.app, remedy=_SEE_ABOVE, extra=extra)
        self._project()

    def _by_poetry(self) -> None:
        tree = self.context.tree
        found = re.search(r"generated by Poetry (\d+(\.\d+)+)", tree.text("poetry.lock")[:200])
        tool = f"poetry=={found[1]}" if found else "poetry"
        if not tree.has("poetry.lock"):
            with self.steps.step("dependencies", "Locking pyproject.toml with Poetry"):
                self._tool((tool,), "poetry", "lock", "--no-interaction", "--no-ansi")
        with self.steps.step("dependencies", f"Installing dependencies from poetry.lock with {tool}"):
            # What Poetry itself installs holds the path of this environment, which is another one in an image.
            export = f"poetry export --no-interaction --no-ansi --only main --output {_EXPORTED}"
            self._tool((tool, "poetry-plugin-export"), "/bin/sh", "-c", export)
            self._exported()
        if _is_package(tree):
            self._project()

    def _by_pipenv(self) -> None:
        if not self.context.tree.has("Pipfile.lock"):
            with self.steps.step("dependencies", "Locking the Pipfile with pipenv"):
                self._tool(("pipenv",), "pipenv", "lock")
        with self.steps.step("dependencies", "Installing dependencies from Pipfile.lock"):
            # pipenv's own installation would take pip, and minutes.
            self._tool(("pipenv",), "/bin/sh", "-c", f"pipenv requirements --hash > {_EXPORTED}")
            self._exported()

    def _exported(self) -> None:
        self.pip("--no-deps", "-r", _EXPORTED)
        (self.context.app / _EXPORTED).unlink(missing_ok=True)

    def _by_project(self) -> None:
        project = self.context.tree.toml("pyproject.toml")
        if table(project, "tool", "poetry") and not table(project, "project"):
            self._by_poetry()
            return
        with self.steps.step("dependencies", "Installing dependencies from pyproject.toml"):
            if table(project, "project").get("dependencies"):
                self.pip("-r", "pyproject.toml")
        if _is_package(self.context.tree):
            self._project()

    def _by_setup(self) -> None:
        with self.steps.step("dependencies", "Installing the project by setup.py"):
            self.pip(".")

    def _project(self) -> None:
        """Install the project itself, where it is a package: an app need not be one."""
        project = self.context.tree.toml("pyproject.toml")
        if not project.get("build-system"):
            return
        is_dynamic = "dependencies" in (table(project, "project").get("dynamic") or [])
        has_commands = bool(table(project, "project", "scripts") or table(project, "tool", "poetry", "scripts"))
        with self.steps.step("project", "Installing the project itself"):
            try:
                self.pip(*(() if is_dynamic else ("--no-deps",)), ".", remedy="see the lines above")
            except StepFailed:
                if is_dynamic or has_commands:
                    raise
                self.steps.log.line("the project is no package: it runs from its folder, with its dependencies")

    def _tool(self, requirements: Sequence[str], *command: str) -> None:
        """Run a command of a tool, of which uv fetches the packages, in the app's environment."""
        path = f"{self.venv}/bin:{self.steps.environment.get('PATH', '')}"
        quiet = {"POETRY_VIRTUALENVS_CREATE": "false", "PIPENV_VERBOSITY": "-1", "PIPENV_NOSPIN": "1"}
        variables = {**quiet, "VIRTUAL_ENV": str(self.venv), "PATH": path, "PIPENV_YES": "1"}
        first, *others = requirements
        packages = ["--from", first, *(word for other in others for word in ("--with", other))]
        run: Argv = [self.context.toolchain.uv, "tool", "run", "--quiet", "--python", sys.executable, *packages]
        self.steps.run([*run, *command], folder=self.context.app, remedy=_SEE_ABOVE, extra=variables, name=first)


def _is_package(tree: Tree) -> bool:
    return table(tree.toml("pyproject.toml"), "tool", "poetry").get("package-mode") is not False


def _as_utf_8(tree: Tree, name: str) -> None:
    """Write a file again in UTF-8 where pip reads another encoding and uv does not."""
    text, path = tree.text(name), tree.folder / name
    if not path.is_symlink() and path.read_bytes().startswith(BOMS):
        path.write_text(text, encoding="utf-8")  # in place: the file stays that of the build's user


def build_python(context: Context) -> Built:
    """Make a virtual environment with the app's dependencies; return how the app starts. Raises StepFailed."""
    steps, toolchain = context.steps, context.toolchain
    with steps.step("python", "Choosing Python"):
        asked = python_version(context.tree)
        interpreter = toolchain.python(asked)
        question = "import platform, sys; print(platform.python_version(), sys.base_prefix)"
        _, answer = steps.ask([interpreter, "-I", "-c", question], folder=toolchain.tools, only_output=True)
        version, _, prefix = answer.strip().partition(" ")
        steps.log.line(f"Python {version}" + (f", because of {asked.source}" if asked.version else ""))
        steps = replace(steps, reads=(prefix,))
    key = _key(context.tree, f"{version} {prefix}")
    installer = _Installer(context=context, steps=steps, venv=context.venv)
    if context.dependencies.reuse(key, context.venv):
        steps.log.header("Using the dependencies of the build before: nothing that declares them has changed")
    else:
        installer.create(interpreter)
        installer.install()
    web, because, server = default_web(context.tree, installed(context.venv), guess=not context.procfile)
    if server and server in context.procfile.get("web", server):
        with steps.step("server", f"Adding {server}, which serves this app"):
            steps.log.line(f"none is installed; name {server} in your dependencies to choose its version")
            installer.pip(server)
    _collect_static(context, steps)
    site = None if web else _built_site(context, steps)
    remove_build_metadata(context.venv)
    reads = (prefix,) if prefix != sys.base_prefix else ()
    return Built(web=web, because=because, site=site, reads=reads, installed=context.venv, key=key)


def _built_site(context: Context, steps: Steps) -> Site | None:
    """Return the site that MkDocs builds of a repository, None where it is not one of its."""
    config = context.tree.first("mkdocs.yml", "mkdocs.yaml")
    if not config or "mkdocs" not in installed(context.venv):
        return None
    with steps.step("mkdocs", "Running mkdocs build"):
        argv: Argv = [context.venv / "bin" / "python", "-m", "mkdocs", "build", "--site-dir", "site"]
        steps.run(argv, folder=context.app, remedy=f"see the lines above; {config} says what is built")
        return Site(folder=checked_folder(context.tree, "site", "the folder of MkDocs"))


# Other files, folders and links in requirements; paths and members of a workspace in projects and lock files.
_OTHER_FILES = re.compile(
    r"^\s*(-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links|\.|/)|file:", re.MULTILINE
)
_OWN_FILES = re.compile(r"\b(path|editable|directory|virtual)\s*=\s*\"(?!\.\")|\bworkspace\s*=|\[tool\.uv\.workspace")
_OF_DEPENDENCIES = (
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "Pipfile",
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
)


def _key(tree: Tree, interpreter: str) -> str:
    """Return what the dependencies are installed by; empty where files of the repository are among them."""
    texts = {name: tree.text(name) for name in _OF_DEPENDENCIES if tree.has(name)}
    project = tree.toml("pyproject.toml")
    if not texts or "setup.py" in texts or (project.get("build-system") and _is_package(tree)):
        return ""
    if _OTHER_FILES.search(texts.get("requirements.txt", "")) or _OWN_FILES.search("\n".join(texts.values())):
        return ""
    return key_of((interpreter, *(f"{name}\n{text}" for name, text in texts.items())))


def _collect_static(context: Context, steps: Steps) -> None:
    """Collect the static files of a Django project that says where to, as Heroku does."""
    settings = static_settings(context.tree)
    if not settings or "django" not in installed(context.venv):
        return
    with steps.step("collectstatic", "Running python manage.py collectstatic"):
        python = str(context.venv / "bin" / "python")
        steps.log.line(f"because {settings} sets STATIC_ROOT")
        # The app's config is not there in a build; no file that is collected depends on its secrets.
        secrets = {"SECRET_KEY": "of-the-build", "DJANGO_SECRET_KEY": "of-the-build"}
        argv = [python, "manage.py", "collectstatic", "--noinput", "--verbosity=1"]
        remedy = (
            "see the lines above; settings that need config variables need defaults for a build, or set "
            "DISABLE_COLLECTSTATIC in `env` of app.json"
        )
        steps.run(argv, folder=context.app, remedy=remedy, extra=secrets)


def installed(venv: Path) -> frozenset[str]:
    """Return the names of the packages in a virtual environment, in lower case with dashes."""
    names = (path.name.partition("-")[0] for path in venv.glob("lib/python*/site-packages/*.dist-info"))
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def remove_build_metadata(venv: Path) -> None:
    """Delete the notes of where and when packages were built."""
    for name in _BUILD_METADATA:
        for path in venv.glob(f"lib/python*/site-packages/*.dist-info/{name}"):
            record = path.parent / "RECORD"
            if not path.parent.resolve().is_relative_to(venv.parent.resolve() / venv.name) or record.is_symlink():
                continue
            path.unlink()
            lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
            # The file may be a hard link into uv's cache: write a new one instead of changing it.
            record.unlink()
            record.write_text("".join(line for line in lines if f"/{name}," not in line), encoding="utf-8")
