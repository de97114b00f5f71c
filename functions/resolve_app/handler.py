"""A push comes in: whose is it, and what is to be done for each app?"""

from functions.common.domain.push import Push
from functions.common.events.base import Event
from functions.common.events.push import PushReceived
from functions.common.ports.app_directory import AppDirectory
from functions.common.ports.event_sink import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.push_history import PushHistory
from functions.resolve_app.admission import Admission
from functions.resolve_app.decide import Verdict, decide, is_plain, weigh
from functions.resolve_app.outcome import as_push, judged, of_no_app, told
from functions.resolve_app.repository import keys_of

NO_APP = "no-app"


def handle_push(
    event: PushReceived,
    *,
    apps: AppDirectory,
    history: PushHistory,
    heads: ForgeHeads,
    admission: Admission,
    sink: EventSink,
) -> Event:
    """Tell for each app of the repository what is to be built, or why nothing is.

    What is recorded stands: a redelivery tells the same again.
    """
    keys = keys_of(event.repository)
    found = apps.by_repository(*keys)
    done = {push.app: push for push in history.recorded(event.push)}
    if not done and not found:
        done[""] = admission.pushes.record(of_no_app(event, key=keys[0]), code=NO_APP)
    open_apps = [] if "" in done else [app for app in found if app.name not in done]
    head = heads.head(event.repository.urls[0], event.branch) if open_apps else None
    for app in open_apps:
        push = as_push(event, key=keys[0], app=app.name)
        verdict = _weighed(decide(app, event), push, event, head=head, history=history)
        done[app.name] = admission(judged(push, verdict), verdict.environment)
    *others, last = [told(done[name], event) for name in sorted(done)]
    for other in others:
        sink.publish(other)
    return last


def _weighed(verdict: Verdict, push: Push, event: PushReceived, *, head: str | None, history: PushHistory) -> Verdict:
    if is_plain(verdict, event, head):
        return verdict
    return weigh(verdict, event, head=head, lineage=history.lineage(push, head or ""))
