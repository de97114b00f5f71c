"""Where builds wait: the position of each in the queue of its builder, and what is before it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.domain.build import UnfinishedBuild
from functions.common.errors import Unavailable
from functions.common.ports.builds import BuildQueue
from functions.manage_apps.access import Access

_log = logging.getLogger("slipway")

QUEUED = "queued"
_SHOWN = 5  # builds that a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a build that waits: 1 is the next. `before` are builds that run or wait before it.

    Of builds of apps that the caller may not see, `hidden` is the number.
    """

    position: int
    before: tuple[str, ...]
    hidden: int
    reason: str

    @property
    def text(self) -> str:
        """The place in words."""
        named = [*self.before[:_SHOWN]]
        others = len(self.before) - len(named) + self.hidden
        named += [f"{others} more" if named else f"{others} of other apps"] if others else []
        behind = f", behind {_sequence(named)}" if named else ""
        return f"position {self.position} in the queue of builds{behind}" + (f": {self.reason}" if self.reason else "")


def _sequence(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def places_of(queue: BuildQueue, access: Access) -> Mapping[str, Place]:
    """Return the places of the builds that wait, by name; none when the builder does not answer.

    A state that is read without its builder is still true: it says less.
    """
    try:
        found = queue.unfinished()
    except Unavailable as error:
        _log.warning("the queue of builds cannot be read: %s", error)
        return {}
    if all(build.is_running for build in found):
        return {}
    visible = {app for app in {build.app for build in found} if access.membership(app)}
    running = sum(build.is_running for build in found)
    return {
        build.name: _place(build, found[:index], visible, position=index - running + 1)
        for index, build in enumerate(found)
        if not build.is_running
    }


def _place(build: UnfinishedBuild, before: tuple[UnfinishedBuild, ...], visible: set[str], *, position: int) -> Place:
    names = [f"{one.name}{' (running)' if one.is_running else ''}" for one in before if one.app in visible]
    return Place(position=position, before=tuple(names), hidden=len(before) - len(names), reason=build.reason)
