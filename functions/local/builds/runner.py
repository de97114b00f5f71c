"""The build runner: claims orders, starts builds, watches them and records how they end.

All that a later runner needs is in PostgreSQL: after a crash it stops what still runs and builds it again.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from functions.common.domain.build import BuildState
from functions.common.errors import Unavailable
from functions.local.builds.apps import Outcome
from functions.local.builds.image import image_folder, intact_seal, mark_used, read_manifest, set_aside
from functions.local.builds.job import RunningBuild, Workspace, stop_group, stop_orphan
from functions.local.builds.orders import Order, Orders
from functions.local.builds.steps import BuildLog, log_tail
from functions.local.files import remove_tree

_LOG = logging.getLogger(__name__)
_RENEW_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_INTERNAL_ERROR = Outcome(
    step="build", reason="internal error of the build runner: see logs/builds.log of the platform"
)


@dataclass(slots=True, kw_only=True)
class BuildRunner:
    """Builds up to `places` orders in parallel; only one runner may work on a state folder."""

    orders: Orders
    workspace: Workspace
    places: int = 2
    poll: float = 0.05
    grace: float = 5.0
    _running: dict[str, RunningBuild] = field(default_factory=dict)
    _claimed: list[Order] = field(default_factory=list)
    _log_ended: set[str] = field(default_factory=set)
    _renewed: float = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, and return running builds to the queue."""
        recovered = False
        while not stop.wait(self.poll):
            try:
                if not recovered:
                    self.recover()
                    recovered = True
                self.tick()
            except Unavailable as error:
                _LOG.warning("builds wait: %s", error)
                stop.wait(_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - one bug must not stop all builds
                _LOG.exception("the build runner continues")
                stop.wait(_PAUSE_SECONDS)
        self._requeue_running()

    def recover(self) -> None:
        """Stop the builds of an earlier runner that died, and return them to the queue."""
        for order in self.orders.running():
            if order.name not in self._running:
                self._isolate(order.name, self._recover, order)

    def tick(self) -> None:
        """Check the running builds, and start as many as there is room for."""
        if self._running:
            self._check_running()
        free = self.places - len(self._running) - len(self._claimed)
        if free > 0:
            self._claimed += self.orders.claim(free)
        while self._claimed:  # an order stays claimed when PostgreSQL fails in the middle
            order = self._claimed[0]
            self._isolate(order.name, self._start, order)
            self._claimed.pop(0)

    def _isolate(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        """Do something for one build; an unexpected error fails this build and affects no other."""
        try:
            work(*arguments)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("build %s fails by an internal error", name)
            self._fail(name)

    def _recover(self, order: Order) -> None:
        if order.process and not stop_orphan(order.process, order.process_mark, grace=self.grace):
            _LOG.error("process group %s of build %s does not end", order.process, order.name)
            return
        self.orders.requeue(order.name)

    def _start(self, order: Order) -> None:
        if order.cancelled:
            outcome = Outcome(step="cancelled", reason="cancelled before it began")
            self._end(order.name, BuildState.CANCELLED, outcome)
            return
        config = self.orders.config(order)
        earlier = self.orders.earlier_outcome(order, config)
        if earlier and self._has_image(earlier):
            self._reuse(order, earlier)
            return
        build = self._running.get(order.name) or self.workspace.start(order, config.values)
        self._running[order.name] = build
        self.orders.record_process(order.name, process=build.process.pid, mark=build.mark, config=config.mark)

    def _has_image(self, outcome: Outcome) -> bool:
        folder = image_folder(self.workspace.images, outcome.digest)
        with suppress(FileNotFoundError):
            mark_used(folder)
        if read_manifest(folder) is None:
            return False
        if not intact_seal(self.workspace.images, outcome.digest):
            _LOG.error("the image %s was changed on disk: it is built again", outcome.digest)
            set_aside(self.workspace.images, outcome.digest)
            return False
        return True

    def _reuse(self, order: Order, earlier: Outcome) -> None:
        log = self._open_log(order.name)
        log.header(f"Commit {order.sha[:12]} was built before: using its image")
        log.close()
        self._end(order.name, BuildState.SUCCEEDED, earlier)

    def _check_running(self) -> None:
        now = time.monotonic()
        if now - self._renewed > _RENEW_SECONDS:
            self.orders.renew_leases(list(self._running))
            self._renewed = now
        cancelled = self.orders.cancelled(list(self._running))
        for name, build in list(self._running.items()):
            self._isolate(name, self._check, build, name in cancelled)

    def _check(self, build: RunningBuild, is_cancelled: bool) -> None:  # noqa: FBT001 - _isolate passes it on
        code = build.process.poll()
        if code is not None:
            self._finish(build, code)
        elif is_cancelled:
            self._stop(build, BuildState.CANCELLED, Outcome(step="cancelled", reason="cancelled while it was running"))
        elif self.workspace.clock() > build.deadline:
            reason = f"the build took longer than {self.workspace.limit:g} seconds; its log ends where it was stopped"
            self._stop(build, BuildState.FAILED, Outcome(step="timeout", reason=reason))
        else:
            what, reason = build.usage.excess()
            if what:
                self._stop(build, BuildState.FAILED, Outcome(step=what, reason=reason))

    def _finish(self, build: RunningBuild, code: int) -> None:
        if not stop_group(build.process.pid, grace=self.grace):  # processes that it left in the background
            return
        outcome = self.workspace.outcome(build.order.name, code)
        self._end(build.order.name, BuildState.SUCCEEDED if outcome.digest else BuildState.FAILED, outcome)

    def _stop(self, build: RunningBuild, state: BuildState, outcome: Outcome) -> None:
        if self._is_stopped(build):
            self._end(build.order.name, state, outcome)

    def _is_stopped(self, build: RunningBuild) -> bool:
        if not stop_group(build.process.pid, grace=self.grace):
            _LOG.error("process group %s of build %s does not end", build.process.pid, build.order.name)
            return False
        build.process.wait()
        return True

    def _end(self, name: str, state: BuildState, outcome: Outcome) -> None:
        tail = "" if state is BuildState.SUCCEEDED else log_tail(self.workspace.log_path(name))
        self._end_log(name, f"{state.value}: {outcome.digest or outcome.reason}")
        self._record_end(name, state, outcome, tail)

    def _fail(self, name: str) -> None:
        build = self._running.get(name)
        if build and not self._is_stopped(build):
            return
        with suppress(OSError):  # the log may be what is broken
            self._end_log(name, f"{BuildState.FAILED.value}: {_INTERNAL_ERROR.reason}")
        self._record_end(name, BuildState.FAILED, _INTERNAL_ERROR, "")

    def _end_log(self, name: str, text: str) -> None:
        """Write the end marker, once, and before the end is recorded: a reader of the record finds a complete log."""
        if name in self._log_ended:
            return
        log = self._open_log(name)
        log.end(text)
        log.close()
        self._log_ended.add(name)

    def _open_log(self, name: str) -> BuildLog:
        path = self.workspace.log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return BuildLog(path)

    def _record_end(self, name: str, state: BuildState, outcome: Outcome, tail: str) -> None:
        self.orders.end(name, state, outcome, tail=tail)
        self._log_ended.discard(name)
        self._running.pop(name, None)
        remove_tree(self.workspace.work_path(name))

    def _requeue_running(self) -> None:
        for name, build in self._running.items():
            if stop_group(build.process.pid, grace=self.grace):
                build.process.wait()
                try:
                    self.orders.requeue(name)
                except Unavailable:
                    _LOG.warning("build %s will be recovered by the next runner", name)
