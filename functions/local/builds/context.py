"""What the builders of the languages share: the sources of an app, its tools, and what a build of it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from functions.local.builds.dependencies import Dependencies
from functions.local.builds.steps import Steps
from functions.local.builds.toolchain import Toolchain
from functions.local.builds.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One app to build: `app` is its folder, `checkout` the whole repository's, `venv` is for Python's packages."""

    steps: Steps
    toolchain: Toolchain
    dependencies: Dependencies
    checkout: Path
    app: Path
    venv: Path
    procfile: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The app's folder in the repository, empty for the top."""
        return self.app.relative_to(self.checkout).as_posix().removeprefix(".")

    @property
    def tree(self) -> Tree:
        """The files of the app's folder."""
        return Tree(folder=self.app, top=self.checkout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Files to serve: `folder` is relative to the app's; `fallback` is a page for every path without a file."""

    folder: str = "."
    fallback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build gives: a default `web` command or a site, both empty where only a Procfile can say how to start.

    `path` are folders of programs that its processes need, `reads` folders outside the platform's, `because` says why
    the web process is what it is. `installed` is the folder of the dependencies, `key` what they were installed by.
    """

    web: str = ""
    because: str = ""
    site: Site | None = None
    path: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    installed: Path | None = None
    key: str = ""
