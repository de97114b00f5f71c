"""An app's config; values are masked unless an admin asks to see them."""

from functools import partial

from functions.common.events.app import ConfigChanged
from functions.common.ports.api_tokens import Role
from functions.common.ports.app_register import AppRegister
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.changes import Changes
from functions.common.ports.config_vars import ConfigScope, ConfigVars
from functions.manage_apps.authentication import authorize
from functions.manage_apps.calls import Answer, Call
from functions.manage_apps.config_keys import checked_changes
from functions.manage_apps.lookup import found_app
from functions.manage_apps.refusals import Malformed
from functions.manage_apps.routing import Route

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
