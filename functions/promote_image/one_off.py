"""Starts and ends one-off commands."""

from dataclasses import dataclass

from functions.common.errors import Rejected
from functions.common.events.operation import RunCancelled, RunRequested
from functions.common.ports.releases import ReleaseArchive
from functions.common.ports.runs import OneOffRunner, RunInputs, Runs

_NOT_STARTED = 126  # a shell's exit code of a command that cannot be executed


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """Runs commands with the image and config of the release that was live when they were requested."""

    runs: Runs
    inputs: RunInputs
    archive: ReleaseArchive
    runner: OneOffRunner

    def start(self, event: RunRequested) -> None:
        """Start a command; one that cannot start ends with the reason."""
        run = self.runs.find(event.run)
        if run is None or run.exit_code is not None or run.waiting:
            return
        release = self.archive.find(run.app, run.environment, run.release)
        try:
            if release is None:
                msg = f"release v{run.release} does not exist any more"
                raise Rejected(msg)
            self.runner.start(run, release, given=self.inputs.read(run.id))
        except Rejected as error:
            self.runs.end(run.id, _NOT_STARTED, reason=str(error))

    def stop(self, event: RunCancelled) -> None:
        """End a command."""
        run = self.runs.find(event.run)
        if run is not None and run.exit_code is None:
            self.runner.stop(run)
