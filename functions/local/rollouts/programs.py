"""An app's process as a program of the process manager."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from functions.local.builds.image import image_folder, read_manifest
from functions.local.platform.leftovers import MARK
from functions.local.rollouts.version import Version

STOP_SECONDS = 10
_LAUNCH = Path(__file__).with_name("launch.py")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERIT = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Writes programs into the state folder `home`; `tools` holds node and caddy."""

    home: Path
    tools: Path

    def write(self, version: Version, process: str) -> str:
        """Write the program of a process type and return its name."""
        name = version.program(process)
        folder = self.home / "apps.d"
        folder.mkdir(parents=True, exist_ok=True)
        log = self.log_path(version, process)
        log.parent.mkdir(parents=True, exist_ok=True)
        _write_private(folder / f"{name}.json", json.dumps(self._spec(version, process)))
        _write_private(folder / f"{name}.conf", _section(name, folder / f"{name}.json", log, process))
        self._make_log_folders()
        return name

    def remove(self, name: str) -> None:
        """Remove a program's files; none there is no error."""
        for suffix in (".conf", ".json"):
            (self.home / "apps.d" / f"{name}{suffix}").unlink(missing_ok=True)

    def written(self) -> set[str]:
        """Return the names of all programs that have files."""
        return {path.stem for path in (self.home / "apps.d").glob("app.*.conf")}

    def image_is_there(self, version: Version) -> bool:
        """Return whether the version's image is on this machine."""
        return read_manifest(self.image(version)) is not None

    def image(self, version: Version) -> Path:
        """Return the folder of the version's image."""
        return image_folder(self.home / "images", version.workload.digest)

    def log_path(self, version: Version, process: str) -> Path:
        """Return the file that a process type's output goes to."""
        return self.log_folder(version.app, version.environment) / f"{version.release}-{process}.log"

    def log_folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment's logs."""
        return self.home / "logs" / "apps" / app / environment

    def _make_log_folders(self) -> None:
        """See that no program lacks its folder: the process manager would read none of them, this one neither."""
        for name in self.written():
            _, app, environment, _ = name.split(".", 3)
            self.log_folder(app, environment).mkdir(parents=True, exist_ok=True)

    def _spec(self, version: Version, process: str) -> dict[str, object]:
        image, workload = self.image(version), version.workload
        path = (image / "venv" / "bin", image / "app" / "node_modules" / ".bin", self.tools)
        own = {
            "PATH": ":".join([*map(str, path), _SYSTEM_PATH]),
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            # Compiled files go beside the image: what its digest names stays as it is.
            "PYTHONPYCACHEPREFIX": str(self.home / "cache" / "pyc" / image.name),
        }
        fixed = {
            "SLIPWAY_APP": version.app,
            "SLIPWAY_ENVIRONMENT": version.environment,
            "SLIPWAY_RELEASE": str(version.release),
            "SLIPWAY_COMMIT": workload.sha,
            **({"PORT": str(version.port)} if process == "web" else {}),
        }
        return {
            "command": workload.processes[process],
            "folder": str(image / "app"),
            "inherit": _INHERIT,
            "environment": {**own, **workload.config, **fixed},
        }


def _section(name: str, spec: Path, log: Path, process: str) -> str:
    once = process == "release"
    settings = {
        "command": f'"{sys.executable}" -I -S "{_LAUNCH}" "{spec}"',
        "directory": "/",
        "autostart": "false",
        "autorestart": "false" if once else "true",
        "startsecs": "0" if once else "1",
        "startretries": "0" if once else "10",
        "stopwaitsecs": str(STOP_SECONDS),
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(log),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "1",
    }
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in settings.items()]
    return "\n".join([f"[program:{name}]", *lines, ""])


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.rename(path)
