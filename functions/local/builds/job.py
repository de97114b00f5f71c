"""One build as a process group of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from functions.local.builds.apps import Job, Outcome
from functions.local.builds.orders import Order
from functions.local.builds.steps import BuildLog
from functions.local.platform.processes import MARK

# The processes of one build: one group, known by its leader's id and start.

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_ENDED = "ZX"  # states of processes that do nothing any more


def start_mark(pid: int) -> str:
    """Return when the process started, as the system tells it; empty when it is gone.

    The same id with another mark is another process.
    """
    fields = _status(pid)
    return fields[19] if fields else ""


def is_gone(group: int) -> bool:
    """Return whether nothing of the group runs any more; the dead that nobody collected do not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    if not _PROC.is_dir():
        return False
    return not any(_runs_in(group, int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())


def stop_group(group: int, *, grace: float) -> bool:
    """Ask the group to end, end it by force after `grace` seconds, and return whether it is really gone."""
    for signal_number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal_number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            _collect(group)
            if is_gone(group):
                return True
            time.sleep(_POLL_SECONDS)
    return is_gone(group)


def stop_leftover(group: int, mark: str, *, grace: float) -> bool:
    """Stop the group of a build whose runner died, unless its id belongs to another process now."""
    leader = start_mark(group)
    if leader and leader != mark:
        return True
    return stop_group(group, grace=grace)


def _collect(group: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)


def _runs_in(group: int, pid: int) -> bool:
    fields = _status(pid)
    return bool(fields) and int(fields[2]) == group and fields[0] not in _ENDED


def _status(pid: int) -> list[str]:
    """Return /proc/PID/stat from the third field on: state, parent, group, ..."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


# Starting a build's process, and reading what it left.

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
                [sys.executable, "-m", "functions.local.builds.apps"],
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
