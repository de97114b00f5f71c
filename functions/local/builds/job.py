"""Starting a build's process, and reading what it left."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from functions.local.builds.log import BuildLog
from functions.local.builds.orders import Order
from functions.local.builds.process_group import start_mark
from functions.local.builds.work import Job, Outcome
from functions.local.platform.leftovers import MARK

_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "NO_PROXY", "no_proxy", "HTTPLIB2_CA_CERTS", MARK)
_PASSED_ON_PREFIXES = (
    "LC_",
    "UV_",
    "PIP_",
    "NPM_CONFIG_",
    "npm_config_",
    "NODE_",
    "SSL_CERT_",
    "HTTP_",
    "HTTPS_",
    "http_",
    "https_",
    "XDG_",
)


@dataclass(slots=True, kw_only=True)
class RunningBuild:
    """A build's process, and when it has to be over (monotonic seconds)."""

    order: Order
    process: subprocess.Popen[bytes]
    deadline: float
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The folders of a state folder that builds use, the tools, and the URL of this machine's git server."""

    home: Path
    environment: Mapping[str, str] = field(repr=False)
    uv: str
    tools: str
    limit: float
    git_url: str = ""

    def source(self, clone_url: str) -> str:
        """Return what to fetch from: a repository of this machine is read from its folder, without a password."""
        base = f"{self.git_url.rstrip('/')}/"
        if not self.git_url or not clone_url.startswith(base):
            return clone_url
        return str(self.home / "git" / clone_url.removeprefix(base))

    @property
    def images(self) -> Path:
        """The folder of all images."""
        return self.home / "images"

    def log_path(self, name: str) -> Path:
        """Return the file of a build's log."""
        return self.home / "builds" / f"{name}.log"

    def work_path(self, name: str) -> Path:
        """Return the folder that a build's process uses, gone after its end."""
        return self.home / "work" / name

    def start(self, order: Order) -> RunningBuild:
        """Start the build from nothing, in a process group of its own that knows none of our secrets."""
        work, log = self.work_path(order.name), self.log_path(order.name)
        shutil.rmtree(work, ignore_errors=True)
        for folder in (work, log.parent, self.images):
            folder.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        BuildLog(log).close()
        job = Job(
            clone_url=self.source(order.clone_url), ref=order.ref, sha=order.sha, work=str(work), log=str(log),
            images=str(self.images), uv=self.uv, tools=self.tools,
        )  # fmt: skip
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "functions.local.builds.work"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=self._environment(),
                start_new_session=True,
            )
        if process.stdin:
            process.stdin.write(json.dumps(asdict(job)).encode())
            process.stdin.close()
        mark = start_mark(process.pid)
        return RunningBuild(order=order, process=process, deadline=time.monotonic() + self.limit, mark=mark)

    def outcome(self, name: str, exit_code: int) -> Outcome:
        """Return what a finished process left, or that it left nothing."""
        try:
            return Outcome(**json.loads((self.work_path(name) / "result.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            reason = f"the build's process ended without a result (exit code {exit_code}); see the end of its log"
            return Outcome(step="build", reason=reason)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self.environment.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }
        cache = str(self.home / "cache" / "uv")
        python_path = os.pathsep.join(path for path in sys.path if (Path(path) / "functions" / "local").is_dir())
        return {"UV_CACHE_DIR": cache, **kept, "PYTHONPATH": python_path, "PYTHONDONTWRITEBYTECODE": "1"}
