"""Builds: their state machine, and what builds images."""

from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.build import Build, BuildOrder, BuildResult
from functions.common.domain.push import PushState

# The builds: one order for each app, environment and sha, but for new attempts.


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What there is to do for a push.

    `build` is its own (running, or ended by now), or another push's that succeeded and is used again;
    None when nothing is to be built, because the push has ended, or because it is overtaken: then
    `overtaken` is a sentence that says why. `cancel` are the running builds that it takes the place of, `adopted`
    the older pushes whose running build it took over: they are superseded.
    """

    build: Build | None
    overtaken: str = ""
    push_state: PushState | None = None
    push_reason: str = ""
    cancel: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A build with its recorded end; `heir` is the sha of the push for whose sake it was cancelled, if any."""

    build: Build
    heir: str = ""


class BuildLedger(Protocol):
    """The state machine of builds; the first end stands."""

    def begin(self, order: BuildOrder, *, repository: str, sequence: int) -> Beginning:
        """Begin, adopt, use again or refuse a build for the push, in one transaction; safe to repeat.

        A later attempt at the same commit gets another name than the order's; the answer's build has it.
        """
        ...

    def end(self, result: BuildResult) -> Ended | None:
        """Record the end of a running build; return the recorded end, None when no such build is known."""
        ...

    def cancel(self, app: str, environment: str, *, cause: str) -> tuple[str, ...]:
        """Mark the running builds of a closed environment with `cause` (of CLOSINGS); return the names to cancel.

        Those marked before are returned too. An empty environment means all of the app.
        """
        ...


class BuildNames(Protocol):
    """The names under which builds are recorded."""

    def unknown(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the names under which no build is recorded."""
        ...


# Builds images from commits: Tekton, Woodpecker, or this machine.


class Builder(Protocol):
    """Takes orders and reports each one's end with a build.ended event (or its vendor's own)."""

    def start(self, order: BuildOrder) -> None:
        """Start the build; a name that was ordered before is not built twice, one that has ended only for another push.

        Raises Rejected when the order can never be built.
        """
        ...

    def cancel(self, name: str) -> None:
        """Ask for the end of a build; it counts as cancelled only when it is reported so."""
        ...

    def observe(self, name: str) -> BuildResult | None:
        """Return what is known of a build, or None when the builder does not know it."""
        ...
