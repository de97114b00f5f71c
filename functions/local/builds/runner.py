"""The loop of the build runner: claim, start, watch, end; what it knows stands in PostgreSQL."""

import logging
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from functions.common.domain.build import BuildState
from functions.common.errors import Unavailable
from functions.local.builds.image import image_folder, read_manifest, used_now
from functions.local.builds.job import RunningBuild, Workshop
from functions.local.builds.log import BuildLog, log_tail
from functions.local.builds.orders import Order, Orders
from functions.local.builds.process_group import stop_group, stop_leftover
from functions.local.builds.work import Outcome

_LOG = logging.getLogger(__name__)
_RENEW_SECONDS = 5.0


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
        self._give_back()

    def recover(self) -> None:
        """End what a runner before this one left behind, and let it be built again."""
        for order in self.orders.left_running():
            if order.name in self._running:
                continue
            if order.process and not stop_leftover(order.process, order.process_mark, grace=self.grace):
                _LOG.error("process group %s of build %s does not end", order.process, order.name)
                continue
            self.orders.give_back(order.name)

    def tick(self) -> None:
        """Do what there is to do now."""
        if self._running:
            self._watch()
        free = self.places - len(self._running) - len(self._claimed)
        if free > 0:
            self._claimed += self.orders.claim(free)
        while self._claimed:  # what is claimed stays so when PostgreSQL goes away in the middle
            self._begin(self._claimed[0])
            self._claimed.pop(0)

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
            code = build.process.poll()
            if code is not None:
                self._finish(name, build, code)
            elif name in cancelled:
                self._stop(
                    build, BuildState.CANCELLED, Outcome(step="cancelled", reason="cancelled while it was running")
                )
            elif now > build.deadline:
                reason = (
                    f"the build took longer than {self.workshop.limit:g} seconds; its log ends where it was stopped"
                )
                self._stop(build, BuildState.FAILED, Outcome(step="timeout", reason=reason))

    def _finish(self, name: str, build: RunningBuild, code: int) -> None:
        if not stop_group(build.process.pid, grace=self.grace):  # what it started in the background ends with it
            return
        outcome = self.workshop.outcome(name, code)
        self._end(name, BuildState.SUCCEEDED if outcome.digest else BuildState.FAILED, outcome)

    def _stop(self, build: RunningBuild, state: BuildState, outcome: Outcome) -> None:
        if not stop_group(build.process.pid, grace=self.grace):
            _LOG.error("process group %s of build %s does not end", build.process.pid, build.order.name)
            return
        build.process.wait()
        self._end(build.order.name, state, outcome)

    def _end(self, name: str, state: BuildState, outcome: Outcome) -> None:
        path = self.workshop.log_path(name)
        tail = "" if state is BuildState.SUCCEEDED else log_tail(path)
        if name not in self._marked:  # first the mark: whoever learns of the end finds a finished log
            path.parent.mkdir(parents=True, exist_ok=True)
            log = BuildLog(path)
            log.end(f"{state.value}: {outcome.digest or outcome.reason}")
            log.close()
            self._marked.add(name)
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
