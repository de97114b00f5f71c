"""The way of one release on this machine: release command, start, health check, traffic, life, drain.

Every call of `advance` does what there is to do now and returns; all that a later call must know
stands in PostgreSQL, so that a controller after this one goes on.
"""

import logging
from dataclasses import dataclass

from functions.common.domain.release import Workload
from functions.local.rollouts.canary import Canary
from functions.local.rollouts.ending import Ending
from functions.local.rollouts.proving import Proving
from functions.local.rollouts.store import Rollouts
from functions.local.rollouts.upkeep import Upkeep
from functions.local.rollouts.version import UNPROVEN, Stage, Version

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One for all environments; calls for one environment must not overlap."""

    rollouts: Rollouts
    proving: Proving
    canary: Canary
    ending: Ending
    upkeep: Upkeep

    def advance(self, app: str, environment: str) -> tuple[object, ...]:
        """Take the environment one step on; return where it was, equal when nothing moved since."""
        generation, wanted = self.rollouts.wanted(app, environment)
        versions = self.rollouts.versions(app, environment, generation)
        if wanted is None:
            self.ending.remove(app, environment, versions)
            return ()
        versions = self._without_removed(app, environment, versions)
        for version in versions:
            if version.stage is Stage.DRAINING:
                self.ending.drain(version)
            elif version.stage in UNPROVEN and version.release < generation:
                reason = f"release {generation} came before this one was live"
                self.ending.fail(version, _live(versions), step="superseded", reason=reason)
        live = _live(versions)
        newest = next((version for version in versions if version.release == generation), None)
        if newest is None:
            self._begin(wanted, live)
        elif newest.stage in UNPROVEN:
            self._prove(newest, live)
        if live:
            self.upkeep.ensure(live)
        return (generation, *((version.release, version.stage, version.weight) for version in versions))

    def _without_removed(self, app: str, environment: str, versions: list[Version]) -> list[Version]:
        """End what is of a deleted app; one of its name may have its own release asked for already."""
        through = self.rollouts.removed(app, environment)
        over = [one for one in versions if one.release <= through and one.stage not in {Stage.FAILED, Stage.STOPPED}]
        rest = [one for one in versions if one.release > through]
        return self.ending.bury(over, rest) if over else rest

    def _begin(self, wanted: Workload, live: Version | None) -> None:
        version = self.rollouts.begin(wanted)
        _LOG.info("%s/%s release %s begins", version.app, version.environment, version.release)
        self._prove(version, live)

    def _prove(self, version: Version, live: Version | None) -> None:
        if version.stage is Stage.RELEASING:
            trouble = self.proving.release(version)
        elif version.stage is Stage.STARTING:
            trouble = self.proving.start(version, live)
        else:
            trouble = self.canary.shift(version, live)
        if trouble:
            self.ending.fail(version, live, step=trouble.step, reason=trouble.reason, log_tail=trouble.log_tail)


def _live(versions: list[Version]) -> Version | None:
    return next((version for version in versions if version.stage is Stage.LIVE), None)
