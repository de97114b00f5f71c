"""What an app used, by month."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from functions.common.ports.usage import DiskUsage, MonthlyUsage, Usage
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Count, NoBody, NoQuery, PageView, Query, View
from functions.manage_apps.operation import Answer, Call, operation

MAX_MONTHS = 24


class Months(Query):
    """How many months, this one first."""

    months: Annotated[Count, Field(ge=1, le=MAX_MONTHS)] = 3


class MonthView(View):
    """One month in UTC, such as 2026-11. `build_minutes` are those of builds that began in it."""

    month: str
    builds: int
    build_minutes: float
    releases: int


class UsagePage(PageView):
    """Months, this one first. `unmeasured` names what the platform cannot know here."""

    items: tuple[MonthView, ...]
    unmeasured: tuple[str, ...] = ("requests", "cpu_seconds", "memory_byte_seconds", "egress_bytes")


class HoldingView(View):
    """`size` bytes of one kind; `app` is empty for what belongs to no app alone."""

    kind: str
    app: str
    size: int


class DiskView(View):
    """What holds how much of the machine's disk, the largest first; `free` bytes are left."""

    items: tuple[HoldingView, ...]
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageHandlers:
    """The handlers of usage."""

    usage: Usage
    disk: DiskUsage

    @operation(Months, NoBody, UsagePage)
    def show_usage(self, call: Call[Months, NoBody]) -> Answer[UsagePage]:
        """Show builds, build minutes and releases of an app by month, previews included."""
        found = self.usage.of_app(call.app.app.name, months=call.query.months)
        return Answer(body=UsagePage(items=tuple(map(_view, found)), next=None))

    @operation(NoQuery, NoBody, DiskView, refusals=(409,))
    def show_disk(self, call: Call[NoQuery, NoBody]) -> Answer[DiskView]:
        """Measure what holds how much of the disk, by kind and app; 409 on a cluster."""
        del call
        found = self.disk.measure()
        if found is None:
            msg = "a cluster has no disk of its own: ask the registry, and `kubectl get pvc` for volumes"
            raise Conflict(msg)
        return Answer(body=DiskView(items=tuple(map(HoldingView.of, found.holdings)), free=found.free))


def _view(one: MonthlyUsage) -> MonthView:
    minutes = round(one.build_seconds / 60, 2)
    return MonthView(month=_text(one.month), builds=one.builds, build_minutes=minutes, releases=one.releases)


def _text(month: date) -> str:
    return f"{month:%Y-%m}"
