"""One-off commands: start, follow, give input, end."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from functions.common.domain.environment import PRODUCTION
from functions.common.errors import NotFound, Rejected
from functions.common.events.operation import RunCancelled, RunRequested
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.releases import ReleaseHistory
from functions.common.ports.runs import Run, RunConsole, RunInputs, RunOutput, Runs
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, ChangeView, Moment, NoBody, NoQuery, Offset, PageView, Query, View
from functions.manage_apps.operation import Answer, Call, operation
from functions.manage_apps.releases import find_environment

HOUR = 3600
_LONGEST = 24 * HOUR
_SHOWN = 50
_MOST_OPEN = 10
_INPUT = 64 * 1024
_WHOLE_INPUT = 1024 * 1024  # what a Secret of Kubernetes takes
Word = Annotated[str, StringConstraints(max_length=_INPUT)]
Cells = Annotated[StrictInt, Field(ge=0, le=1000)]


class NewRun(Body):
    """`command` is the program with its arguments. `tty` gives it a terminal of `columns` and `rows`.

    `interactive` lets it read input; where the answer's state is waiting, it starts when that was given to its end, and
    has no terminal. `timeout` are the seconds after which it is ended.
    """

    command: tuple[Word, ...] = Field(min_length=1, max_length=200)
    environment: str = PRODUCTION
    tty: StrictBool = False
    interactive: StrictBool = False
    columns: Cells = 80
    rows: Cells = 24
    timeout: Annotated[StrictInt, Field(ge=1, le=_LONGEST)] = HOUR


class RunView(ChangeView):
    """A run. `state` is waiting (for its whole input), running or ended; `exit_code` is null until it has ended.

    `reason` says why it was ended.
    """

    id: str
    app: str
    environment: str
    release: int
    state: str
    exit_code: int | None
    reason: str
    tty: bool
    interactive: bool
    actor: str
    created_at: Moment | None
    ended_at: Moment | None


class RunPage(PageView):
    """The newest runs, newest first, without their commands, which may hold secrets."""

    items: tuple[RunView, ...]


class FromOffset(Query):
    """`offset` is the `next_offset` of the answer before; `wait` waits some seconds for more output, or the end."""

    offset: Offset = 0
    wait: bool = False


class OutputView(View):
    """Output of a run in base64; read on with offset=`next_offset` until `exit_code` is not null."""

    data: str
    next_offset: int
    exit_code: int | None
    reason: str


class RunInput(Body):
    """Input in base64, the end of the input, or the new size of the terminal.

    `offset` is how much was given before: where the run waits for its whole input, a repeat is not taken twice.
    """

    data: str = Field(default="", max_length=_INPUT * 2)
    offset: Offset | None = None
    eof: StrictBool = False
    columns: Cells = 0
    rows: Cells = 0


class InputTaken(ChangeView):
    """The number of bytes that were taken."""

    bytes: int


class StoppedRun(ChangeView):
    """The run that is being ended."""

    stopping: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Waits for output up to `seconds`, looking after each `pause`; each call that waits takes one of the `slots`."""

    seconds: float
    pause: float
    now: Callable[[], float]
    sleep: Callable[[float], None]
    slots: BoundedSemaphore

    def __call__(self, read: Callable[[], RunOutput]) -> RunOutput:
        """Return the output when there is some, or the end; without a free slot return at once."""
        found = read()
        if found.data or found.exit_code is not None or not self.slots.acquire(blocking=False):
            return found
        try:
            end = self.now() + self.seconds
            while not found.data and found.exit_code is None and self.now() < end:
                self.sleep(self.pause)
                found = read()
        finally:
            self.slots.release()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandlers:
    """The handlers of one-off commands."""

    runs: Runs
    inputs: RunInputs
    console: RunConsole
    history: ReleaseHistory
    changes: Changes
    audit: AuditLog
    waiting: Waiting
    now: Callable[[], datetime]

    @operation(NoQuery, NewRun, RunView, statuses=(201, 202), refusals=(409,))
    def start_run(self, call: Call[NoQuery, NewRun]) -> Answer[RunView]:
        """Run a command with the image and config of the live release."""
        new = call.body
        environment = find_environment(self.history, call.app.app.name, new.environment)
        where = f"{environment.app}/{environment.name}"
        if not environment.release:
            msg = f"nothing runs in {where}: deploy it first with `paas deploy --app {environment.app}`, or push"
            raise Conflict(msg)
        if sum(map(self._is_open, self.runs.of_app(environment.app, limit=_SHOWN))) >= _MOST_OPEN:
            msg = f"{environment.app} has {_MOST_OPEN} commands that run: wait, or end one with `paas runs stop`"
            raise Conflict(msg)
        if not new.command[0].strip():
            msg = "command: the first word is empty: give the program to run"
            raise Rejected(msg)
        is_interactive = self.console.is_interactive
        run = Run(
            id="",
            app=environment.app,
            environment=environment.name,
            release=environment.release,
            command=new.command,
            actor=call.actor,
            seconds=new.timeout,
            tty=new.tty and is_interactive,
            interactive=new.interactive,
            waiting=new.interactive and not is_interactive,
            columns=new.columns or 80,
            rows=new.rows or 24,
        )
        return self._start(call, run)

    @operation(NoQuery, NoBody, RunPage)
    def list_runs(self, call: Call[NoQuery, NoBody]) -> Answer[RunPage]:
        """List the newest one-off commands of an app."""
        found = self.runs.of_app(call.app.app.name, limit=_SHOWN)
        return Answer(body=RunPage(items=tuple(_view(run) for run in found), next=None))

    @operation(NoQuery, NoBody, RunView)
    def show_run(self, call: Call[NoQuery, NoBody]) -> Answer[RunView]:
        """Show a one-off command and how it ended."""
        run = self._run(call)
        if run.exit_code is None:
            self._observed(run, self.console.read(run, 2**62))
        return Answer(body=_view(self._run(call)))

    @operation(FromOffset, NoBody, OutputView)
    def show_run_output(self, call: Call[FromOffset, NoBody]) -> Answer[OutputView]:
        """Show what a one-off command wrote from an offset on, and how it ended."""
        run, offset = self._run(call), call.query.offset

        def read() -> RunOutput:
            return self._read(run, offset)

        found = self.waiting(read) if call.query.wait else read()
        self._observed(run, found)
        body = OutputView(
            data=base64.b64encode(found.data).decode(),
            next_offset=found.next_offset,
            exit_code=found.exit_code,
            reason=found.reason,
        )
        return Answer(body=body)

    @operation(NoQuery, RunInput, InputTaken, statuses=(200, 202), refusals=(409,))
    def write_run_input(self, call: Call[NoQuery, RunInput]) -> Answer[InputTaken]:
        """Give a one-off command input, its end, or a new size of its terminal; 409 when it reads none."""
        run, given = self._run(call), call.body
        try:
            data = base64.b64decode(given.data, validate=True)
        except (binascii.Error, ValueError) as error:
            msg = "data: is not base64"
            raise Rejected(msg) from error
        if not run.interactive or run.exit_code is not None:
            why = "has ended" if run.exit_code is not None else "reads no input: start it with interactive"
            msg = f"the command {run.id} {why}"
            raise Conflict(msg)
        if run.waiting:
            return self._collect(call, run, data)
        if not self.console.is_interactive:
            msg = f"the command {run.id} has started: its input was whole"
            raise Conflict(msg)
        self.console.write(run, data, eof=given.eof, columns=given.columns, rows=given.rows)
        return Answer(body=InputTaken(bytes=len(data)))

    @operation(NoQuery, NoBody, StoppedRun, statuses=(202,), refusals=(409,))
    def stop_run(self, call: Call[NoQuery, NoBody]) -> Answer[StoppedRun]:
        """End a one-off command."""
        run = self._run(call)
        if run.exit_code is not None:
            msg = f"the command {run.id} has ended with exit code {run.exit_code}"
            raise Conflict(msg)
        with self.changes.begin() as change:
            about = {"app": run.app, "environment": run.environment, "actor": call.actor}
            if run.waiting:
                self.runs.end(run.id, _STOPPED, reason="it was stopped before it started")
            change.announce(RunCancelled(**about, run=run.id), discriminator=run.id)
            self.audit.record(actor=call.actor, action="run.stop", target=run.app, detail=run.id)
        return Answer(status=202, body=StoppedRun(stopping=run.id), queued=change.queued)

    def _start(self, call: Call[Any, Any], run: Run) -> Answer[RunView]:
        with self.changes.begin() as change:
            number = self.runs.add(run)
            if not run.waiting:
                change.announce(_requested(run, number, call.actor), discriminator=number)
            self.audit.record(actor=call.actor, action="run.start", target=run.app, detail=number)
            added = self.runs.find(number)
        if added is None:
            msg = "the run was deleted with its app"
            raise NotFound(msg)
        return Answer(status=201, body=_view(added), queued=change.queued)

    def _collect(self, call: Call[NoQuery, RunInput], run: Run, data: bytes) -> Answer[InputTaken]:
        """Add to the input of a run that waits for it, and start it when the input is whole."""
        offset = call.body.offset or 0
        if offset + len(data) > _WHOLE_INPUT:
            reason = f"its input is more than {_WHOLE_INPUT // 1024**2} MiB, which is the limit on a cluster"
            self.runs.end(run.id, _NOT_STARTED, reason=reason)
            msg = f"data: {reason}: let the command fetch it"
            raise Rejected(msg)
        with self.changes.begin() as change:
            length = self.inputs.append(run.id, data, offset=offset) if data else offset
            if length != offset + len(data):
                msg = f"offset: {run.id} has {length} bytes of input: give what follows them"
                raise Conflict(msg)
            if call.body.eof and self.inputs.close(run.id):
                change.announce(_requested(run, run.id, call.actor), discriminator=run.id)
        status = 202 if call.body.eof else 200
        return Answer(status=status, body=InputTaken(bytes=len(data)), queued=change.queued)

    def _is_open(self, run: Run) -> bool:
        """Return whether a run counts: one whose input never came to its end is forgotten after a while."""
        age = (self.now() - run.created_at).total_seconds() if run.created_at else 0
        return run.exit_code is None and not (run.waiting and age > HOUR)

    def _run(self, call: Call[Any, Any]) -> Run:
        run = self.runs.find(call.path["run"])
        if run is None or run.app != call.app.app.name:
            msg = f"there is no run {call.path['run'][:100]!r} of {call.app.app.name}: see `paas runs list`"
            raise NotFound(msg)
        return run

    def _read(self, run: Run, offset: int) -> RunOutput:
        found = self.console.read(run, offset)
        if found.data or found.exit_code is not None:
            return found
        recorded = self.runs.find(run.id)
        if recorded is None or recorded.exit_code is None:
            return found
        return RunOutput(data=b"", next_offset=offset, exit_code=recorded.exit_code, reason=recorded.reason)

    def _observed(self, run: Run, found: RunOutput) -> None:
        """Record the end that was read, or that must have come: nothing runs longer than its limit."""
        if found.exit_code is not None:
            self.runs.end(run.id, found.exit_code, reason=found.reason)
        elif run.exit_code is None and run.created_at and not found.data:
            age = (self.now() - run.created_at).total_seconds()
            if age > run.seconds + HOUR:
                self.runs.end(run.id, _LOST, reason="its end was not observed: its output is gone")


_LOST, _STOPPED, _NOT_STARTED = 137, 143, 126  # as a shell has them


def _requested(run: Run, number: str, actor: str) -> RunRequested:
    return RunRequested(app=run.app, environment=run.environment, run=number, actor=actor)


def _view(run: Run) -> RunView:
    return RunView(
        id=run.id,
        app=run.app,
        environment=run.environment,
        release=run.release,
        state="ended" if run.exit_code is not None else "waiting" if run.waiting else "running",
        exit_code=run.exit_code,
        reason=run.reason,
        tty=run.tty,
        interactive=run.interactive,
        actor=run.actor,
        created_at=run.created_at,
        ended_at=run.ended_at,
    )
