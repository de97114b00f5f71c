"""Events of what people ask of a deployment without a push."""

from typing import ClassVar

from pydantic import Field

from functions.common.events.base import Event


class DeployRequested(Event):
    """An existing image was requested as a new release; `sha` is the commit that it was built from, if it is known."""

    type: ClassVar[str] = "dev.slipway.deploy.requested.v1"

    image: str
    digest: str
    processes: dict[str, str] = Field(default_factory=dict)
    sha: str = ""
    actor: str = ""


class UndeployRequested(Event):
    """Everything that runs in the environment, up to release `through`, is to be removed; the app stays."""

    type: ClassVar[str] = "dev.slipway.undeploy.requested.v1"

    through: int
    actor: str = ""


class RestartRequested(Event):
    """New processes of the same image and config are to replace those that run."""

    type: ClassVar[str] = "dev.slipway.restart.requested.v1"

    actor: str = ""


class ScaleChanged(Event):
    """The wanted number of some process types changed; the numbers are in the database."""

    type: ClassVar[str] = "dev.slipway.scale.changed.v1"

    processes: tuple[str, ...]
    actor: str = ""


class LimitsChanged(Event):
    """The app's port, CPU or memory changed, in all its environments; the values are in the database."""

    type: ClassVar[str] = "dev.slipway.limits.changed.v1"

    names: tuple[str, ...]
    actor: str = ""


class RunRequested(Event):
    """A one-off command is to run; the command is in the database only."""

    type: ClassVar[str] = "dev.slipway.run.requested.v1"

    run: str
    actor: str = ""


class RunCancelled(Event):
    """A person cancelled a one-off command."""

    type: ClassVar[str] = "dev.slipway.run.cancelled.v1"

    run: str
    actor: str = ""


class MaintenanceChanged(Event):
    """The maintenance page of an environment was switched on or off; what holds now is in the database."""

    type: ClassVar[str] = "dev.slipway.maintenance.changed.v1"

    on: bool
    actor: str = ""
