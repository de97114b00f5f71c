"""How a Node app without a `web` line starts: by its start script, by what its framework made, or as a site."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from functions.local.builds.context import Built, Context, Site
from functions.local.builds.site import OUTPUTS, made_site, refuse_links
from functions.local.builds.tree import Tree, table, text_field

# Servers for development: they watch the sources, and many listen on a port of their own.
_DEVELOPMENT = re.compile(
    r"\b(ng serve|docusaurus start|react-scripts start|gatsby (develop|start)|astro dev|vite( dev| serve)?\s*$|"
    r"vue-cli-service serve|next dev|nuxi? dev|eleventy .*--serve|vitepress dev|parcel( serve| \S+\.html)|"
    r"webpack[ -](dev-)?serve|react-router dev|remix (vite:)?dev|svelte-kit dev|rsbuild dev|vinxi dev|snowpack dev)"
)


def started(context: Context, package: Mapping[str, Any], runner: str = "") -> Built:
    """Return how the app starts after its build: by its own script, by what its framework made, or as a site.

    `runner` is the package manager that must run its scripts; empty where any can.
    """
    tree, scripts = context.tree, table(package, "scripts")
    made = _made(context, package)
    if made and _DEVELOPMENT.search(text_field(scripts, "start")):
        context.steps.log.line("`scripts.start` is a server for development: what the build made is served")
        return made
    if text_field(scripts, "start") and not _is_exported(tree, package):
        name = "start:prod" if _compiles_at_start(package) else "start"
        return Built(web=start_command(scripts, name, runner), because=f"`scripts.{name}`")
    if made:
        return made
    if main := tree.first("server.js", _main(package), "index.js", "app.js", "src/index.js", "src/server.js"):
        return Built(web=f"node {shlex.quote(main)}", because=main)
    return Built(site=Site(), because="index.html") if tree.has("index.html") else Built(because=_missing(scripts))


def _made(context: Context, package: Mapping[str, Any]) -> Built | None:
    """Return how that starts which the build script made, None where it made nothing that is known."""
    command = "" if _is_exported(context.tree, package) else _of_framework(context.tree, package)
    if command:
        return Built(web=command, because="what the build made")
    site = made_site(context.tree) if text_field(package, "scripts", "build") else None
    if site:
        refuse_links(context.app / site.folder, context.checkout)
        return Built(site=site, because=f"{site.folder}/index.html")
    return None


def _is_exported(tree: Tree, package: Mapping[str, Any]) -> bool:
    """Return whether Next.js made files alone (`output: "export"`), which `next start` refuses to serve."""
    return "next" in table(package, "dependencies") and tree.has("out/index.html") and tree.has(".next/BUILD_ID")


def _compiles_at_start(package: Mapping[str, Any]) -> bool:
    """Return whether the start script is one of Nest's starter, which compiles for half a minute before it listens."""
    is_nest = "@nestjs/core" in table(package, "dependencies")
    return is_nest and bool(text_field(package, "scripts", "start:prod"))


def start_command(scripts: Mapping[str, Any], name: str, runner: str) -> str:
    """Return the start script itself where it needs no package manager, which takes a second and 80 MB."""
    if runner:
        return f"{runner} run {name}"
    script = text_field(scripts, name)
    is_alone = f"pre{name}" not in scripts and f"post{name}" not in scripts
    return script if is_alone and "\n" not in script and "npm_" not in script else f"npm run {name}"


def _main(package: Mapping[str, Any]) -> str:
    main = text_field(package, "main")
    return main if main and not main.startswith("/") and ".." not in main.split("/") else "server.js"


# Package (empty: any), what its build makes, and the command that serves that.
_FRAMEWORKS = (
    ("", ".output/server/index.mjs", "node .output/server/index.mjs"),  # Nuxt, Nitro, SolidStart, TanStack Start
    ("next", ".next/BUILD_ID", "next start"),
    ("@sveltejs/adapter-node", "build/index.js", "node build"),
    ("@astrojs/node", "dist/server/entry.mjs", "node dist/server/entry.mjs"),
    ("@react-router/serve", "build/server/index.js", "react-router-serve ./build/server/index.js"),
    ("@remix-run/serve", "build/server/index.js", "remix-serve ./build/server/index.js"),
    ("@nestjs/core", "dist/main.js", "node dist/main"),
)


def _of_framework(tree: Tree, package: Mapping[str, Any]) -> str:
    names = {"", *table(package, "dependencies"), *table(package, "devDependencies")}
    return next((command for name, made, command in _FRAMEWORKS if name in names and tree.has(made)), "")


def _missing(scripts: Mapping[str, Any]) -> str:
    made = "its build script made no index.html in any of " + ", ".join(OUTPUTS) if scripts.get("build") else ""
    return "package.json has no `start` script" + (f", and {made}" if made else "")
