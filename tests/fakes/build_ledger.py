"""The state machine of builds in memory."""

from dataclasses import dataclass, replace

from functions.common.domain.build import Build, BuildOrder, BuildResult, BuildState, attempt_name
from functions.common.domain.push import Push, PushState
from functions.common.ports.builds import Beginning, Ended
from tests.fakes.ledger_state import LedgerState


@dataclass(frozen=True, slots=True)
class FakeBuildLedger:
    """BuildLedger."""

    state: LedgerState

    def begin(self, order: BuildOrder, *, repository: str, sequence: int) -> Beginning:
        """Begin, adopt, use again or refuse a build; see BuildLedger."""
        self.state.check()
        push = self.state.pushes.get((order.push, order.app))
        overtaken = self._overtaken(order, sequence)
        going = not overtaken and not (push and push.state.is_final)
        attempts = [b for b in self._of(order) if b.sha == order.sha]
        build = self._fitting(order, attempts, overtaken)
        if build is None and going:
            build = self._adopted(order, attempts, sequence)
        if build is None and going:
            build = self._ordered(order, repository, sequence, len(attempts))
        cancel = self._replaced(order, sequence) if going else ()
        adopted = tuple(sorted(p.id for p in self.state.pushes.values() if p.reason == _taken(order.push)))
        return Beginning(
            build=build,
            overtaken=overtaken,
            push_state=push.state if push else None,
            push_reason=push.reason if push else "",
            cancel=cancel,
            adopted=adopted,
        )

    def end(self, result: BuildResult) -> Ended | None:
        """Record the end of a running build; see BuildLedger."""
        self.state.check()
        build = self.state.builds.get(result.name)
        if build is None:
            return None
        if build.state is BuildState.RUNNING:
            what = {"image": result.image, "step": result.step, "reason": result.reason, "log_tail": result.log_tail}
            build = replace(build, state=result.state, **what)  # type: ignore[arg-type] # a dict for short
            self.state.builds[build.name] = build
        heir: Push | None = self.state.pushes.get((build.superseded_by, build.app))
        return Ended(build=build, heir=heir.sha if heir else "")

    def give_up(self, app: str, environment: str, *, cause: str) -> tuple[str, ...]:
        """Note why what runs is cancelled; see BuildLedger."""
        self.state.check()
        names = []
        for build in sorted(self.state.builds.values(), key=lambda build: build.name):
            place = self.state.places.get((build.app, build.environment))
            meant = build.app == app and environment in {"", build.environment} and not (place and place.is_open)
            if meant and build.state is BuildState.RUNNING:
                self.state.builds[build.name] = replace(build, superseded_by=build.superseded_by or cause)
                names.append(build.name)
        return tuple(names)

    def _of(self, order: BuildOrder) -> list[Build]:
        where = (order.app, order.environment)
        return [build for build in self.state.builds.values() if (build.app, build.environment) == where]

    def _overtaken(self, order: BuildOrder, sequence: int) -> str:
        place = self.state.places.get((order.app, order.environment))
        if place is None:
            return "the environment is gone"
        if not place.is_open:
            return "the environment was closed"
        if place.sequence <= sequence:
            return ""
        pushes = self.state.pushes.values()
        newer = [
            p for p in pushes if (p.app, p.environment, p.sequence) == (order.app, order.environment, place.sequence)
        ]
        return f"the newer push of {newer[0].sha[:12] if newer else 'another commit'} takes its place"

    def _fitting(self, order: BuildOrder, attempts: list[Build], overtaken: str) -> Build | None:
        own = [build for build in attempts if build.push == order.push]
        if own or overtaken or not attempts or attempts[-1].state is not BuildState.SUCCEEDED:
            return own[-1] if own else None
        opened = self.state.places[order.app, order.environment].opened
        return attempts[-1] if self.state.started[attempts[-1].name] >= opened else None

    def _adopted(self, order: BuildOrder, attempts: list[Build], sequence: int) -> Build | None:
        latest = attempts[-1] if attempts else None
        if latest is None or latest.state is not BuildState.RUNNING or latest.superseded_by:
            return None
        older = self.state.pushes.get((latest.push, order.app))
        if older and not older.state.is_final:
            ended = replace(older, state=PushState.SUPERSEDED, code="adopted", reason=_taken(order.push))
            self.state.pushes[older.id, older.app] = ended
        self.state.builds[latest.name] = replace(latest, push=order.push, sequence=sequence)
        return self.state.builds[latest.name]

    def _ordered(self, order: BuildOrder, repository: str, sequence: int, attempts: int) -> Build:
        build = Build(
            name=attempt_name(order.name, attempts + 1),
            app=order.app,
            environment=order.environment,
            push=order.push,
            repository=repository,
            sha=order.sha,
            ref=order.ref,
            sequence=sequence,
            state=BuildState.RUNNING,
        )
        self.state.builds[build.name], self.state.started[build.name] = build, next(self.state.ticks)
        return build

    def _replaced(self, order: BuildOrder, sequence: int) -> tuple[str, ...]:
        for build in self._of(order):
            older = build.state is BuildState.RUNNING and build.sequence < sequence and build.sha != order.sha
            if older and not build.superseded_by:
                self.state.builds[build.name] = replace(build, superseded_by=order.push)
        running = [build for build in self._of(order) if build.state is BuildState.RUNNING and build.superseded_by]
        return tuple(sorted(build.name for build in running))


def _taken(push: str) -> str:
    return f"push {push} takes over its build"
