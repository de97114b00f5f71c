"""One build as a process group of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from functions.local.builds.apps import Job, Outcome, Place
from functions.local.builds.dependencies import dependencies_folder
from functions.local.builds.fetch import folder_of
from functions.local.builds.orders import Order
from functions.local.builds.steps import BuildLog, little_room
from functions.local.builds.usage import Usage, disk_of
from functions.local.files import remove_tree
from functions.local.platform.processes import MARK
from functions.local.sandbox.isolation import Isolation, Limits, build_cache, build_user
from functions.local.variables import for_every_tool, given_for_builds

_BESIDES = ("PATH", MARK)  # what a build's process inherits beside the person's variables; no setting of the platform


@dataclass(slots=True, kw_only=True)
class RunningBuild:
    """A build's process; `deadline` is in seconds of the workspace's clock, `mark` the start time of the process."""

    order: Order
    process: subprocess.Popen[bytes]
    deadline: float
    mark: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The folders below `home` and the tools that builds use; `git_url` is this machine's git server.

    `forge_url` and `internal` are hosts that may be fetched from although they are not public.
    """

    home: Path
    environment: Mapping[str, str] = field(repr=False)
    uv: str
    tools: str
    limit: float
    isolation: Isolation
    limits: Limits
    memory: int = 0
    git_url: str = ""
    forge_url: str = ""
    internal: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic

    @property
    def images(self) -> Path:
        """The folder of all images."""
        return self.home / "images"

    def log_path(self, name: str) -> Path:
        """Return the file of a build's log."""
        return self.home / "builds" / f"{name}.log"

    def work_path(self, name: str) -> Path:
        """Return the folder that a build's process works in; it is deleted at the build's end."""
        return self.home / "work" / name

    def source(self, clone_url: str) -> str:
        """Return the folder, which needs no password, of a repository on this machine; empty for any other."""
        return folder_of(clone_url, git_url=self.git_url, git_folder=self.home / "git")

    def start(self, order: Order, config: Mapping[str, str]) -> RunningBuild:
        """Start a build in an empty work folder, as a new process group; the app's own programs see its config."""
        work, log, cache = self.work_path(order.name), self.log_path(order.name), self._cache(order)
        remove_tree(work)
        if self.limits.file_bytes and disk_of(cache) > self.limits.file_bytes // 2:  # what a build may use is left
            remove_tree(cache)
        for folder in (work, log.parent, self.images):
            folder.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        BuildLog(log).close()
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
            process.stdin.write(json.dumps(asdict(self._job(order, config))).encode())
            process.stdin.close()
        mark = start_mark(process.pid)
        usage = Usage(process=process.pid, folders=(work, cache), memory=self.memory, disk=self.limits.file_bytes)
        deadline = self.clock() + self.limit
        return RunningBuild(order=order, process=process, deadline=deadline, mark=mark, usage=usage)

    def outcome(self, name: str, exit_code: int) -> Outcome:
        """Return the outcome of a process that has ended."""
        work = self.work_path(name)
        try:
            return Outcome(**json.loads((work / "result.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            reason = f"the build's process ended without a result (exit code {exit_code}); see the end of its log"
            return Outcome(step="build", reason=reason + little_room(self.home))

    def _job(self, order: Order, config: Mapping[str, str]) -> Job:
        return Job(
            clone_url=order.clone_url,
            folder=self.source(order.clone_url),
            git_url=self.git_url,
            git_folder=str(self.home / "git"),
            readable=order.readable,
            closed=order.closed,
            trusted=(self.forge_url, self.git_url),
            internal=self.internal,
            ref=order.ref,
            sha=order.sha,
            root=order.root,
            work=str(self.work_path(order.name)),
            log=str(self.log_path(order.name)),
            images=str(self.images),
            uv=self.uv,
            tools=self.tools,
            place=self._place(order),
            config=dict(config),
            dependencies=str(dependencies_folder(self.home, order.app, order.environment)),
        )

    def _cache(self, order: Order) -> Path:
        return build_cache(self.home, order.app, order.environment)

    def _place(self, order: Order) -> Place:
        return Place(
            kind=self.isolation.kind,
            home=str(self.home),
            cache=str(self._cache(order)),
            user=self.isolation.user(build_user(order.app, order.environment)),
            reads=self.isolation.reads,
            limits=self.limits,
        )

    def _environment(self) -> dict[str, str]:
        inherited = {name: self.environment[name] for name in _BESIDES if name in self.environment}
        python_path = os.pathsep.join(path for path in sys.path if (Path(path) / "functions" / "local").is_dir())
        given = for_every_tool(given_for_builds(self.environment))
        return {**given, **inherited, "PYTHONPATH": python_path, "PYTHONDONTWRITEBYTECODE": "1"}


# Process groups. A group is known by the id and the start time of its leader, because ids are used again.

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_DEAD_STATES = "ZX"


def start_mark(pid: int) -> str:
    """Return when the process started, in the system's own unit; empty when it is gone."""
    fields = _status(pid)
    return fields[19] if fields else ""


def is_group_gone(group: int) -> bool:
    """Return whether no process of the group runs; zombies do not count."""
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
    """Terminate the group, kill it after `grace` seconds, and return whether it is gone."""
    for signal_number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal_number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _reap(group)
            if is_group_gone(group):
                return True
            time.sleep(_POLL_SECONDS)
    return is_group_gone(group)


def stop_orphan(group: int, mark: str, *, grace: float) -> bool:
    """Stop the group of a build whose runner died, unless another process has its id now."""
    leader = start_mark(group)
    if leader and leader != mark:
        return True
    return stop_group(group, grace=grace)


def _reap(group: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)


def _runs_in(group: int, pid: int) -> bool:
    fields = _status(pid)
    return bool(fields) and int(fields[2]) == group and fields[0] not in _DEAD_STATES


def _status(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: state, parent, group, ..."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
