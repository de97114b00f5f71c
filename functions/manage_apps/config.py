"""Config of apps: members see the names, owners also the values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from functions.common.domain.config import MOST_BYTES, NAME, check_total, check_variable
from functions.common.errors import Rejected
from functions.common.events.app import ConfigChanged
from functions.common.ports.apps import ConfigScope, ConfigVars, SealedSecrets
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.scales import ProcessCounts
from functions.manage_apps.access import Need
from functions.manage_apps.models import Body, ChangeView, NoBody, NoQuery, Query, View
from functions.manage_apps.operation import Answer, Call, operation

MASK = "********"


class Scope(Query):
    """Config of production, or of all previews."""

    scope: ConfigScope = ConfigScope.PRODUCTION


class ScopeAndReveal(Scope):
    """`reveal` shows the values; it needs an owner and is audited."""

    reveal: bool = False


class ConfigChanges(Body):
    """New values by key, null to unset a key: {"KEY": "value", "OTHER": null}."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"propertyNames": {"pattern": NAME + "$"}, "minProperties": 1}
    )
    __pydantic_extra__: dict[str, Annotated[str, Field(max_length=MOST_BYTES)] | None] = Field(init=False)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Return the changes. Raises Rejected naming the key, never the value."""
        if not fields:
            msg = 'nothing to change: give {"KEY": "value"}, or null to unset'
            raise Rejected(msg)
        for key, value in fields.items():
            check_variable(key, value)
        return cls(**fields)

    @property
    def values(self) -> dict[str, str | None]:
        """The changes by key."""
        return self.__pydantic_extra__


class LiveConfigView(View):
    """A live release of this config; of the keys in `differs` it has another value than the one that is set now."""

    environment: str
    release: int
    differs: tuple[str, ...]


class ConfigView(View):
    """Values are masked unless `revealed`. `live` are the live releases of the environments that have this config."""

    app: str
    scope: ConfigScope
    config: dict[str, str]
    revealed: bool
    live: tuple[LiveConfigView, ...]


class ChangedConfig(ChangeView):
    """The keys whose values are new, and the ids of the events that announce them."""

    app: str
    scope: ConfigScope
    changed: tuple[str, ...]
    events: tuple[str, ...]


class RenewedConfig(View):
    """How many values and secrets were encrypted with another key than the newest, or not at all."""

    renewed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigHandlers:
    """The handlers of config."""

    config: ConfigVars
    sealed: SealedSecrets
    changes: Changes
    counts: ProcessCounts
    audit: AuditLog

    @operation(ScopeAndReveal, NoBody, ConfigView, refusals=(403,))
    def show_config(self, call: Call[ScopeAndReveal, NoBody]) -> Answer[ConfigView]:
        """Show an app's config; the values are masked unless an owner sets reveal=true, which is audited."""
        app, scope, reveal = call.app.app, call.query.scope, call.query.reveal
        if reveal:
            call.access.demand(app.name, Need.OWNER)
            self.audit.record(actor=call.actor, action="config.reveal", target=app.name, detail=scope)
        values = self.config.read(app.name, scope)
        shown = {key: values[key] if reveal else MASK for key in sorted(values)}
        live = tuple(map(LiveConfigView.of, self.config.live(app.name, scope)))
        return Answer(body=ConfigView(app=app.name, scope=scope, config=shown, revealed=reveal, live=live))

    @operation(Scope, ConfigChanges, ChangedConfig, statuses=(200, 202))
    def change_config(self, call: Call[Scope, ConfigChanges]) -> Answer[ChangedConfig]:
        """Set and unset config; if a value that a release uses changes, a new release follows."""
        name, scope = call.app.app.name, call.query.scope
        events = list[str]()
        with self.changes.begin() as change:
            changed = set_config(self.config, self.counts, name, scope, call.body.values)
            if changed:
                # The scope is given as the environment: promote-image knows which environments take its config.
                event = ConfigChanged(app=name, environment=scope, keys=changed, actor=call.actor)
                events.append(change.announce(event))
                self.audit.record(actor=call.actor, action="config.set", target=name, detail=", ".join(changed))
        body = ChangedConfig(app=name, scope=scope, changed=changed, events=tuple(events))
        return Answer(body=body, queued=change.queued)

    @operation(NoQuery, NoBody, RenewedConfig)
    def renew_config(self, call: Call[NoQuery, NoBody]) -> Answer[RenewedConfig]:
        """Encrypt config, and secrets of webhooks and notifications, with the newest key; safe to repeat."""
        renewed = self.sealed.renew()
        self.audit.record(actor=call.actor, action="config.renew", detail=f"{renewed} values")
        return Answer(body=RenewedConfig(renewed=renewed))


def set_config(
    config: ConfigVars, counts: ProcessCounts, app: str, scope: ConfigScope, values: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Set and unset values in the transaction of the caller, and return the keys that changed.

    Raises Rejected, so that nothing changes, when a process could not have all of them.
    """
    changed = config.change(app, scope, values)
    if any(values[key] is not None for key in changed):
        check_total(config.read(app, scope), most=counts.capacity(app).config_bytes)
    return changed
