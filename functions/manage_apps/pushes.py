"""Pushes, explained."""

import re
from functools import partial

from functions.common.domain.environment import PRODUCTION
from functions.common.errors import NotFound, Rejected
from functions.common.events.push import PushReceived
from functions.common.ports.apps import Role
from functions.common.ports.pushes import PushRecord, PushRecords
from functions.manage_apps.apps import Hosts
from functions.manage_apps.explanation import explain
from functions.manage_apps.request import Answer, Call
from functions.manage_apps.routing import Route

_HEX = re.compile(r"^[0-9a-f]+\Z")
_SHORTEST = 7


def show_push(call: Call, *, records: PushRecords, hosts: Hosts) -> Answer:
    """Answer the explanation; 404 when no webhook told of such a push."""
    reference = call.path["push"].lower()
    if _HEX.match(reference) and len(reference) < _SHORTEST:
        msg = f"{reference!r} is too short: give at least {_SHORTEST} characters of the sha"
        raise Rejected(msg)
    deliveries = records.deliveries(reference)
    begun = {one.event: records.events(one.event) for one in deliveries if one.type == PushReceived.type}
    pushes = records.pushes(reference)
    if not deliveries and not pushes:
        msg = (
            f"no webhook told of a push {reference!r}: check that the commit was pushed and, at the forge, "
            "that the repository's webhook was delivered"
        )
        raise NotFound(msg)
    return Answer(
        body=explain(
            reference,
            deliveries=deliveries,
            begun=begun,
            pushes=pushes,
            events_of=records.events,
            url_of=partial(_url, hosts=hosts),
        )
    )


def _url(push: PushRecord, *, hosts: Hosts) -> str:
    if not push.app:
        return ""
    label = push.app if push.environment == PRODUCTION else f"{push.environment}--{push.app}"
    return hosts.url(hosts.of(label))


def routes(*, records: PushRecords, hosts: Hosts) -> tuple[Route, ...]:
    """Return the route of explanations."""
    return (Route("GET", "/pushes/<push>", Role.VIEWER, partial(show_push, records=records, hosts=hosts)),)
