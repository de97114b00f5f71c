"""Builds of an app.

A build in answers: the fields of ports.history.BuildRecord.
"""

from functools import partial

from functions.common.errors import NotFound
from functions.common.ports.api_tokens import Role
from functions.common.ports.app_register import AppRegister
from functions.common.ports.history import BuildHistory, BuildRecord
from functions.manage_apps.calls import PAGE, Answer, Call, page_of
from functions.manage_apps.lookup import found_app
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of


def list_builds(call: Call, *, register: AppRegister, builds: BuildHistory) -> Answer:
    """Answer {"items": [build], "next"}, newest first; ?environment= narrows."""
    app, limit = found_app(register, call.path["app"]).app.name, call.limit()
    records = builds.builds(
        app, environment=call.query.get("environment", ""), before=call.query.get("after", ""), limit=limit
    )
    return page_of([view_of(record) for record in records], limit=limit, key="name")


def show_build(call: Call, *, builds: BuildHistory) -> Answer:
    """Answer the build."""
    return Answer(body=view_of(found_build(builds, call.path["build"])))


def found_build(builds: BuildHistory, name: str) -> BuildRecord:
    """Return the build with this name. Raises NotFound."""
    build = builds.build(name)
    if build is None:
        msg = f"there is no build {name!r}: see GET /v1/apps/APP/builds"
        raise NotFound(msg)
    return build


def routes(*, register: AppRegister, builds: BuildHistory) -> tuple[Route, ...]:
    """Return the routes of builds."""
    listed = partial(list_builds, register=register, builds=builds)
    return (
        Route("GET", "/apps/<app>/builds", Role.VIEWER, listed, PAGE | {"environment"}),
        Route("GET", "/builds/<build>", Role.VIEWER, partial(show_build, builds=builds)),
    )
