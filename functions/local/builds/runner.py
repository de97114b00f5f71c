"""The loop of the build runner: claim, start, watch, end; what it knows stands in PostgreSQL."""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from functions.common.domain.build import BuildState
from functions.common.errors import Unavailable
from functions.local.builds.apps import Outcome
from functions.local.builds.image import image_folder, read_manifest, used_now
from functions.local.builds.job import RunningBuild, Workshop, stop_group, stop_leftover
from functions.local.builds.orders import Order, Orders
from functions.local.builds.steps import BuildLog, log_tail

_LOG = logging.getLogger(__name__)
_RENEW_SECONDS = 5.0
_BUG = Outcome(step="build", reason="the build runner met an error of its own; logs/builds.log of the platform has it")


@dataclass(slots=True, kw_only=True)
class BuildRunner:
    """Builds up to `places` orders side by side; only one runner works on a state folder at a time."""

    orders: Orders
    workshop: Workshop
    places: int = 2
    poll: float = 0.05
    grace: float = 5.0
    _running: dict[str, RunningBuild] = field(default_factory=dict)
    _claimed: list[Order] = field(default_factory=list)
    _marked: set[str] = field(default_factory=set)
    _renewed: float = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; then the running builds are given back."""
        recovered = False
        while not stop.wait(self.poll):
            try:
                if not recovered:
                    self.recover()
                    recovered = True
                self.tick()
            except Unavailable as error:
                _LOG.warning("builds wait: %s", error)
                stop.wait(0.2)
            except Exception:  # noqa: BLE001 - one bug must not stop all builds
                _LOG.exception("the build runner goes on")
                stop.wait(0.2)
        self._give_back()

    def recover(self) -> None:
        """End what a runner before this one left behind, and let it be built again."""
        for order in self.orders.left_running():
            if order.name not in self._running:
                self._alone(order.name, self._recover, order)

    def tick(self) -> None:
        """Do what there is to do now."""
        if self._running:
            self._watch()
        free = self.places - len(self._running) - len(self._claimed)
        if free > 0:
            self._claimed += self.orders.claim(free)
        while self._claimed:  # what is claimed stays so when PostgreSQL goes away in the middle
            order = self._claimed[0]
            self._alone(order.name, self._begin, order)
            self._claimed.pop(0)

    def _alone(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        """Do something for one order; a bug that it meets ends this order, and none beside it."""
        try:
            work(*arguments)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("build %s is given up", name)
            self._give_up(name)

    def _recover(self, order: Order) -> None:
        if order.process and not stop_leftover(order.process, order.process_mark, grace=self.grace):
            _LOG.error("process group %s of build %s does not end", order.process, order.name)
            return
        self.orders.give_back(order.name)

    def _begin(self, order: Order) -> None:
        if order.cancelled:
            self._end(order.name, BuildState.CANCELLED, Outcome(step="cancelled", reason="cancelled before it began"))
            return
        before = self.orders.built(order)
        if before and self._is_there(before):
            self._reuse(order, before)
            return
        build = self._running.get(order.name) or self.workshop.start(order)
        self._running[order.name] = build
        self.orders.note_process(order.name, process=build.process.pid, mark=build.mark)

    def _is_there(self, before: Outcome) -> bool:
        folder = image_folder(self.workshop.images, before.digest)
        with suppress(FileNotFoundError):
            used_now(folder)
        return read_manifest(folder) is not None

    def _reuse(self, order: Order, before: Outcome) -> None:
        path = self.workshop.log_path(order.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        log = BuildLog(path)
        log.header(f"Commit {order.sha[:12]} was built before: using its image")
        log.close()
        self._end(order.name, BuildState.SUCCEEDED, before)

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._renewed > _RENEW_SECONDS:
            self.orders.keep(list(self._running))
            self._renewed = now
        cancelled = self.orders.cancelled(list(self._running))
        for name, build in list(self._running.items()):
            self._alone(name, self._look_at, build, name in cancelled)

    def _look_at(self, build: RunningBuild, cancelled: bool) -> None:  # noqa: FBT001 - _alone passes it on
        code = build.process.poll()
        if code is not None:
            self._finish(build, code)
        elif cancelled:
            self._stop(build, BuildState.CANCELLED, Outcome(step="cancelled", reason="cancelled while it was running"))
        elif time.monotonic() > build.deadline:
            reason = f"the build took longer than {self.workshop.limit:g} seconds; its log ends where it was stopped"
            self._stop(build, BuildState.FAILED, Outcome(step="timeout", reason=reason))

    def _finish(self, build: RunningBuild, code: int) -> None:
        if not stop_group(build.process.pid, grace=self.grace):  # what it started in the background ends with it
            return
        outcome = self.workshop.outcome(build.order.name, code)
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
        tail = "" if state is BuildState.SUCCEEDED else log_tail(self.workshop.log_path(name))
        self._mark(name, f"{state.value}: {outcome.digest or outcome.reason}")
        self._note_end(name, state, outcome, tail)

    def _give_up(self, name: str) -> None:
        build = self._running.get(name)
        if build and not self._is_stopped(build):
            return
        with suppress(OSError):  # the log may be what is wrong
            self._mark(name, f"{BuildState.FAILED.value}: {_BUG.reason}")
        self._note_end(name, BuildState.FAILED, _BUG, "")

    def _mark(self, name: str, text: str) -> None:
        """Finish the log, once and before the end is known: whoever learns of the end finds a finished log."""
        if name in self._marked:
            return
        path = self.workshop.log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        log = BuildLog(path)
        log.end(text)
        log.close()
        self._marked.add(name)

    def _note_end(self, name: str, state: BuildState, outcome: Outcome, tail: str) -> None:
        self.orders.end(name, state, outcome, tail=tail)
        self._marked.discard(name)
        self._running.pop(name, None)
        shutil.rmtree(self.workshop.work_path(name), ignore_errors=True)

    def _give_back(self) -> None:
        for name, build in self._running.items():
            if stop_group(build.process.pid, grace=self.grace):
                build.process.wait()
                try:
                    self.orders.give_back(name)
                except Unavailable:
                    _LOG.warning("build %s will be found by the next runner", name)
