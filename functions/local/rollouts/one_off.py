"""One-off commands: each runs in a process group of its own, with a terminal or pipes, for a limited time."""

import fcntl
import json
import logging
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.common.adapters.local.deployer import workload_from
from functions.common.adapters.local.runs import PROCESS, output_file
from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Rejected
from functions.local.builds.job import is_group_gone, start_mark, stop_group, stop_orphan
from functions.local.files import write_private
from functions.local.rollouts.store import Stage, Version
from functions.local.rollouts.supervision import AppPrograms
from functions.local.sandbox.isolation import LAUNCH

_LOG = logging.getLogger(__name__)
MOST_OUTPUT = 64 * 1024 * 1024
_IDLE_SECONDS, _BUSY_SECONDS = 0.1, 0.03
_GRACE_SECONDS = 2.0
_FORGET_SECONDS = 3600.0
_CHUNK = 64 * 1024
_SIGNALLED = 128  # a shell's exit code of a process that a signal ended is this plus the signal
_CLAIM = """
update platform.runs set state = 'running' where run in
    (select run from platform.runs where state = 'waiting' order by requested_at limit 1 for update skip locked)
returning run::text as run, app, environment, workload, tty, interactive, columns, rows, seconds
"""
_STARTED = "update platform.runs set process = :process, process_mark = :mark where run = :run::uuid"
_ORPHANS = "select run::text, process, process_mark from platform.runs where state = 'running'"
_IS_STOPPED = "select stopped from platform.runs where run = :run::uuid"
_INPUT = """
delete from platform.run_inputs where run = :run::uuid returning sequence, data, eof, columns, rows
"""
_END = """
update platform.runs set state = 'ended', exit_code = :code, reason = :reason, ended_at = now()
where run = :run::uuid
"""
_FORGET = "delete from platform.runs where state = 'ended' and ended_at < now() - interval '1 day' returning run::text"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOffRuns:
    """Starts requested commands, each in a thread of its own."""

    database: Postgres
    programs: AppPrograms
    home: Path

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then, and after a crash, no command is left."""
        threads, forget_at = list[threading.Thread](), 0.0
        self._end_orphans()
        while not stop.wait(_IDLE_SECONDS):
            try:
                if time.monotonic() >= forget_at:
                    self._forget()
                    forget_at = time.monotonic() + _FORGET_SECONDS
                for row in self.database.rows(_CLAIM):
                    threads.append(threading.Thread(target=self._work, args=(row, stop)))
                    threads[-1].start()
                threads = [thread for thread in threads if thread.is_alive()]
            except Exception:  # noqa: BLE001 - one bug or outage must not end them all
                _LOG.exception("one-off commands wait")
                stop.wait(1)
        for thread in threads:
            thread.join()
        self.database.close()

    def _end_orphans(self) -> None:
        """End what a controller that died has left."""
        for run, process, mark in self.database.run(_ORPHANS):
            if process:
                stop_orphan(process, mark, grace=_GRACE_SECONDS)
            self._end(run, _SIGNALLED, "the platform was restarted meanwhile: run it again")

    def _forget(self) -> None:
        for (run,) in self.database.run(_FORGET):
            output_file(self.home, run).unlink(missing_ok=True)

    def _work(self, row: dict[str, Any], stop: threading.Event) -> None:
        run = row["run"]
        try:
            version = _version(row)
            session = self._start(row, version)
            try:
                reason = session.follow(row["seconds"], stop)
            finally:
                code = session.end()
                self.programs.remove(version.program(f"run-{run}"))
            self._end(run, code, reason)
        except Rejected as error:
            self._end(run, _SIGNALLED, str(error))
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("run %s", run)
            with suppress(Exception):
                self._end(run, _SIGNALLED, "it could not be run: see the log of the rollout controller")
        finally:
            self.database.close()

    def _start(self, row: dict[str, Any], version: Version) -> "_Session":
        run = row["run"]
        output = output_file(self.home, run)
        output.parent.mkdir(parents=True, exist_ok=True)
        spec = output.with_suffix(".json")
        write_private(spec, json.dumps(self.programs.launch(version, PROCESS, run=f"run-{run}", tty=row["tty"])))
        session = _Session(run=run, database=self.database, output=output, spec=spec, interactive=row["interactive"])
        session.start(tty=row["tty"], columns=row["columns"], rows=row["rows"])
        return session

    def _end(self, run: str, code: int, reason: str) -> None:
        self.database.run(_END, run=run, code=code, reason=reason)


def _version(row: dict[str, Any]) -> Version:
    workload = workload_from(row["workload"])
    return Version(
        app=row["app"], environment=row["environment"], release=workload.release, workload=workload, stage=Stage.LIVE
    )


@dataclass(slots=True, kw_only=True)
class _Session:
    """One command: its process, what it reads, and the file of what it writes."""

    run: str
    database: Postgres
    output: Path
    spec: Path
    interactive: bool
    _process: subprocess.Popen[bytes] | None = None
    _reads: int = -1
    _writes: int = -1
    _tty: bool = False
    _waiting: bytearray = field(default_factory=bytearray)
    _eof: bool = False

    def start(self, *, tty: bool, columns: int, rows: int) -> None:
        """Start the process."""
        self._tty = tty
        command = [sys.executable, "-I", "-S", str(LAUNCH), str(self.spec)]
        if tty:
            self._reads, theirs = pty.openpty()
            self._writes = os.dup(self._reads)
            self._resize(columns, rows)
            ends = (theirs, theirs)
        else:
            self._reads, output = os.pipe()
            stdin, self._writes = os.pipe()
            ends = (stdin, output)
        self._process = subprocess.Popen(
            command, stdin=ends[0], stdout=ends[1], stderr=ends[1], start_new_session=True, cwd="/"
        )
        for end in set(ends):
            os.close(end)
        os.set_blocking(self._writes, False)
        pid = self._process.pid
        self.database.run(_STARTED, run=self.run, process=pid, mark=start_mark(pid))
        if not self.interactive:
            self._close_input()

    def follow(self, seconds: float, stop: threading.Event) -> str:
        """Pass output and input on until the process has ended; return why it was not left to its end."""
        process = self._started()
        deadline, written = time.monotonic() + seconds, 0
        with self.output.open("ab", buffering=0) as file:
            while True:
                is_over = process.poll() is not None  # before reading: its last output is read afterwards
                for data in self._output():
                    file.write(data)
                    written += len(data)
                if is_over:
                    return ""
                if reason := self._limit(deadline, written, seconds, stop):
                    return reason
                if self.interactive:
                    self._pass_input()

    def end(self) -> int:
        """End what is left of the process group, and return the exit code."""
        process = self._started()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_GRACE_SECONDS)
        if not is_group_gone(process.pid):  # what it left in the background
            stop_group(process.pid, grace=_GRACE_SECONDS)
        code = process.wait()
        for end in (self._reads, self._writes):
            with suppress(OSError):
                os.close(end)
        self.spec.unlink(missing_ok=True)
        return code if code >= 0 else _SIGNALLED - code

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            msg = "the command was not started"
            raise TypeError(msg)
        return self._process

    def _limit(self, deadline: float, written: int, seconds: float, stop: threading.Event) -> str:
        if time.monotonic() > deadline:
            return f"it did not end within {seconds:g} seconds, which is its limit: see --timeout"
        if written > MOST_OUTPUT:
            return f"it wrote more than {MOST_OUTPUT // 1024**2} MiB, which is the limit"
        if stop.is_set():
            return "the platform was stopped"
        return "it was stopped" if self.database.run(_IS_STOPPED, run=self.run) == [[True]] else ""

    def _output(self) -> Iterator[bytes]:
        """Yield what there is to read, after at most a moment."""
        pause = _BUSY_SECONDS
        while select.select([self._reads], [], [], pause)[0]:
            try:
                data = os.read(self._reads, _CHUNK)
            except OSError:  # a terminal whose last process has ended
                data = b""
            if not data:
                time.sleep(_BUSY_SECONDS)
                return
            yield data
            pause = 0

    def _pass_input(self) -> None:
        for _, data, eof, columns, rows in sorted(self.database.run(_INPUT, run=self.run)):
            self._waiting += data
            self._eof |= eof
            if columns and rows:
                self._resize(columns, rows)
        with suppress(BlockingIOError, BrokenPipeError):
            while self._waiting and not self._is_closed:
                del self._waiting[: os.write(self._writes, self._waiting[:_CHUNK])]
        if self._eof and not self._waiting:
            self._close_input()

    @property
    def _is_closed(self) -> bool:
        return self._writes < 0

    def _close_input(self) -> None:
        """End the input: by Ctrl-D on a terminal, else by closing the pipe."""
        self._eof = False
        if self._is_closed:
            return
        if self._tty:
            with suppress(OSError):
                os.write(self._writes, b"\x04")
            return
        os.close(self._writes)
        self._writes = -1

    def _resize(self, columns: int, rows: int) -> None:
        if self._tty:
            with suppress(OSError):
                fcntl.ioctl(self._reads, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
