"""The audit log: who did what, for administrators, and of an app for its owners."""

from dataclasses import dataclass

from pydantic import AwareDatetime, Field

from functions.common.ports.audit import AuditTrail
from functions.manage_apps.models import Moment, NoBody, NumberPage, PageView, View, next_page
from functions.manage_apps.operation import Answer, Call, operation


class AuditPage(NumberPage):
    """Entries by one actor, of one action or its group (`domain` is `domain.add` and `domain.remove`), on one target.

    `since` is a time with its zone: 2026-01-31T12:00:00Z. Empty filters let all through.
    `after` is the `next` of the page before.
    """

    actor: str = Field(default="", max_length=300)
    action: str = Field(default="", max_length=100)
    target: str = Field(default="", max_length=300)
    since: AwareDatetime | None = None


class AuditView(View):
    """One act. `actor` is a user's email or a token's name, `target` what it was done to.

    Refusals are summed up: `count` of them from `at` to `last_at`, which differ in nothing but `latest`,
    that of the last.
    """

    id: int
    at: Moment
    actor: str
    action: str
    target: str
    detail: str
    count: int
    last_at: Moment
    latest: str


class AuditEntries(PageView):
    """Entries, newest first."""

    items: tuple[AuditView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHandlers:
    """The handlers of the audit log."""

    trail: AuditTrail

    @operation(AuditPage, NoBody, AuditEntries)
    def list_audit(self, call: Call[AuditPage, NoBody]) -> Answer[AuditEntries]:
        """List the audit log, newest first."""
        return self._list(call, app="")

    @operation(AuditPage, NoBody, AuditEntries)
    def list_app_audit(self, call: Call[AuditPage, NoBody]) -> Answer[AuditEntries]:
        """List what was done to an app since it was created, newest first."""
        return self._list(call, app=call.app.app.name)

    def _list(self, call: Call[AuditPage, NoBody], *, app: str) -> Answer[AuditEntries]:
        query = call.query
        found = self.trail.page(
            app=app,
            actor=query.actor,
            action=query.action,
            target=query.target,
            since=query.since,
            before=query.after,
            limit=query.limit,
        )
        items = tuple(AuditView.of(one) for one in found)
        return Answer(body=AuditEntries(items=items, next=next_page(items, query.limit, lambda one: one.id)))
