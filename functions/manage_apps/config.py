"""Config of apps: names are shown, values to admins alone."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from functions.common.errors import Rejected
from functions.common.events.app import ConfigChanged
from functions.common.ports.apps import AppRegister, AuditLog, ConfigScope, ConfigVars, Role
from functions.common.ports.events import Changes
from functions.manage_apps.apps import found_app
from functions.manage_apps.request import Answer, Call, Malformed, authorize
from functions.manage_apps.routing import Route

# What may be set as config.

_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_PLATFORMS = re.compile(r"^(PORT\Z|SLIPWAY_)", re.IGNORECASE)
_MAX_VALUE = 64 * 1024


def checked_changes(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """Return key -> value, None to unset. Raises Rejected naming the key, never the value."""
    if not fields:
        msg = 'nothing to change: give {"KEY": "value"}, or null to unset'
        raise Rejected(msg)
    for key, value in fields.items():
        if not _KEY.match(key):
            msg = f"config key {key!r} is not usable: letters, digits and _, not starting with a digit"
            raise Rejected(msg)
        if _PLATFORMS.match(key):
            msg = f"config key {key} is set by the platform: choose another name"
            raise Rejected(msg)
        if value is not None and not isinstance(value, str):
            msg = f"the value of {key} must be a string, or null to unset"
            raise Rejected(msg)
        if value is not None and (len(value) > _MAX_VALUE):
            msg = f"the value of {key} must be at most {_MAX_VALUE} characters"
            raise Rejected(msg)
    return dict(fields)


# An app's config; values are masked unless an admin asks to see them.

MASK = "********"


def show_config(call: Call, *, register: AppRegister, config: ConfigVars, audit: AuditLog) -> Answer:
    """Answer {"app", "scope", "config": {key: value}, "revealed": bool}; ?reveal=true is for admins, audited."""
    app, scope, reveal = found_app(register, call.path["app"]).app, _scope(call), call.flag("reveal")
    if reveal:
        authorize(call.token, Role.ADMIN)
        audit.record(actor=call.token.name, action="config.reveal", target=app.name, detail=scope)
    values = config.read(app.name, scope)
    shown = {key: values[key] if reveal else MASK for key in sorted(values)}
    return Answer(body={"app": app.name, "scope": scope, "config": shown, "revealed": reveal})


def change_config(
    call: Call,
    *,
    register: AppRegister,
    config: ConfigVars,
    changes: Changes,
    audit: AuditLog,
) -> Answer:
    """Answer {"app", "scope", "changed": [key], "events": [id]}; a change of what runs is a new release."""
    app, scope = found_app(register, call.path["app"]).app, _scope(call)
    wanted = checked_changes(call.fields())
    events = list[str]()
    with changes.begin() as change:
        changed = config.change(app.name, scope, wanted)
        if changed:
            # The scope stands for the environments that take its config: whoever releases knows which those are.
            about = ConfigChanged(app=app.name, environment=scope, keys=changed, actor=call.token.name)
            events.append(change.announce(about))
            audit.record(actor=call.token.name, action="config.set", target=app.name, detail=", ".join(changed))
    body = {"app": app.name, "scope": scope, "changed": list(changed), "events": events}
    return Answer(body=body, queued=change.queued)


def _scope(call: Call) -> ConfigScope:
    text = call.query.get("scope", ConfigScope.PRODUCTION)
    if text not in set(ConfigScope):
        msg = "?scope= must be production or preview"
        raise Malformed(msg)
    return ConfigScope(text)


def routes(*, register: AppRegister, config: ConfigVars, changes: Changes, audit: AuditLog) -> tuple[Route, ...]:
    """Return the routes of config."""
    show = partial(show_config, register=register, config=config, audit=audit)
    change = partial(change_config, register=register, config=config, changes=changes, audit=audit)
    return (
        Route("GET", "/apps/<app>/config", Role.VIEWER, show, frozenset({"scope", "reveal"})),
        Route("PATCH", "/apps/<app>/config", Role.DEPLOYER, change, frozenset({"scope"})),
    )
