"""Sites: folders of files, as they are in the repository or as a build made them."""

import os
import re
import shlex
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.builds.context import Built, Context, Site
from functions.local.builds.tree import Tree, table, text_field

STATIC_WEB = 'caddy run --adapter caddyfile --config "$SLIPWAY_SITE"'
OLD_STATIC_WEB = "caddy file-server --root . --listen 127.0.0.1:$PORT"  # of images that were built before
# Where generators put what they made, the most certain ones first.
OUTPUTS = (
    *("dist", "build", "out", "_site", ".output/public", ".vitepress/dist", "docs/.vitepress/dist", "public"),
    *("build/client", "dist/client", "site", "www"),
)
_TO_INDEX = re.compile(r"/\*\s+/(index\.html)?\s+200!?\s*")
_SETTING = re.compile(r"\s*(?P<name>[a-z_]+)\s*:\s*(?P<value>\S.*?)\s*")


def build_site(context: Context) -> Built:
    """Return the site that the repository itself is. Raises Rejected for a folder that is not there."""
    site = declared_site(context.tree) or Site(folder="." if context.tree.has("index.html") else _first(context.tree))
    refuse_links(context.app / site.folder, context.checkout)
    return Built(site=site, because="index.html")


def _first(tree: Tree) -> str:
    return next((name for name in OUTPUTS if tree.has(f"{name}/index.html")), ".")


def declared_site(tree: Tree) -> Site | None:
    """Return what Staticfile, static.json or _redirects say of the site; None when none of them is there."""
    staticfile, static_json = settings_of(tree.lines("Staticfile")), tree.json("static.json")
    folder = staticfile.get("root") or text_field(static_json, "root")
    fallback = _page(text_field(static_json, "routes", "/**"))
    if staticfile.get("pushstate") in {"enabled", "true", "on"} or _is_redirected(tree, folder):
        fallback = "/index.html"
    if not tree.first("Staticfile", "static.json") and not fallback:
        return None
    return Site(folder=checked_folder(tree, folder or ".", "the site's root"), fallback=fallback)


def settings_of(lines: list[str]) -> dict[str, str]:
    """Return the settings `name: value` of a Staticfile."""
    found = (_SETTING.fullmatch(line.partition("#")[0]) for line in lines)
    return {match["name"]: match["value"].strip("'\"") for match in found if match}


def _is_redirected(tree: Tree, folder: str) -> bool:
    names = (f"{folder or '.'}/_redirects", "public/_redirects", "_redirects")
    return any(_TO_INDEX.fullmatch(line) for name in names for line in tree.lines(name))


def _page(name: str) -> str:
    return f"/{name.removeprefix('/')}" if name else ""


def checked_folder(tree: Tree, name: str, what: str) -> str:
    """Return a folder's name that the repository gives. Raises Rejected when it is none below the app's folder."""
    path = Path(os.path.realpath(tree.folder / name))
    if not path.is_relative_to(os.path.realpath(tree.folder)) or not path.is_dir():
        msg = f"{what}, {name!r}, is no folder of this repository"
        raise Rejected(msg)
    return str(path.relative_to(os.path.realpath(tree.folder)))


def made_site(tree: Tree) -> Site | None:
    """Return the site that a build has made, None when it made none.

    One page alone is an application that routes in the browser: each path leads to it.
    """
    declared = declared_site(tree)
    folder = declared.folder if declared and declared.folder != "." else ""
    folder = folder or next((name for name in _outputs(tree) if tree.has(f"{name}/index.html")), "")
    if not folder:
        return None
    pages = list(Tree(folder=tree.folder / folder, top=tree.top).files(".html", depth=2))
    fallback = declared.fallback if declared else ""
    return Site(folder=folder, fallback=fallback or ("/index.html" if len(pages) == 1 else ""))


def _outputs(tree: Tree) -> list[str]:
    nested = sorted(f"dist/{path.parent.name}" for path in (tree.folder / "dist").glob("*/index.html"))
    browsers = sorted(
        str(path.parent.relative_to(tree.folder)) for path in tree.folder.glob("dist/*/browser/index.html")
    )
    angular = table(tree.json("angular.json"), "projects")
    return [*(browsers + nested if angular else ()), *OUTPUTS]


def web_command(site: Site) -> str:
    """Return the command that serves a site from the app's folder."""
    settings = {"SLIPWAY_SITE_ROOT": site.folder if site.folder != "." else "", "SLIPWAY_SITE_FALLBACK": site.fallback}
    words = [f"{name}={shlex.quote(value)}" for name, value in settings.items() if value]
    return " ".join([*words, STATIC_WEB])


def refuse_links(folder: Path, top: Path) -> None:
    """Raise Rejected for a folder or a link in it that leaves `top`: the site would serve what it leads to."""
    real = os.path.realpath(top)
    if not folder.resolve().is_relative_to(real):
        msg = f"{folder.name} is a link that leaves the repository: remove it"
        raise Rejected(msg)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and (path.readlink().is_absolute() or not path.resolve().is_relative_to(real)):
                msg = (
                    f"{path.relative_to(folder)} is a link that leaves the repository, to {path.readlink()}: remove it"
                )
                raise Rejected(msg)
