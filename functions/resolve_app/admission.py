"""Takes one app's push into its environment."""

from dataclasses import dataclass, replace

from functions.common.domain.environment import Environment
from functions.common.domain.push import Push, PushState
from functions.common.events.app import PreviewOpened
from functions.common.ports.environments import Environments
from functions.common.ports.event_sink import EventSink
from functions.common.ports.push_ledger import PushLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Records pushes; `default_domain` is where previews answer."""

    environments: Environments
    pushes: PushLedger
    sink: EventSink
    default_domain: str

    def __call__(self, push: Push, wanted: Environment) -> Push:
        """Record a push that ends here, or admit it to its environment, opening that; safe to repeat."""
        if push.state is not PushState.RECEIVED:
            return self.pushes.record(push, code=push.code)
        opened = self.environments.open(wanted)
        environment = opened.environment
        if opened.fresh and not environment.is_production:
            self._announce(push, environment)
        return self.pushes.admit(replace(push, environment=environment.name))

    def _announce(self, push: Push, environment: Environment) -> None:
        host = f"{environment.label}.{self.default_domain}"
        where = {"app": environment.app, "environment": environment.name, "push": push.id}
        self.sink.publish(PreviewOpened(**where, branch=environment.branch, host=host))
