"""Every event type, and the class that reads it."""

from importlib import import_module
from typing import cast

from functions.common.events.base import TYPE_PREFIX, Event

MODULES: dict[str, tuple[str, ...]] = {
    "push": (
        "PushReceived",
        "BranchDeleted",
        "TagCreated",
        "PullRequestOpened",
        "PullRequestUpdated",
        "PullRequestClosed",
        "PushIgnored",
        "PushSuperseded",
    ),
    "build": ("BuildRequested", "BuildStarted", "BuildEnded", "ImagePublished", "BuildFailed"),
    "release": (
        "RollbackRequested",
        "ReleaseStarted",
        "ReleaseSuperseded",
        "WorkloadChanged",
        "ReleaseLive",
        "ReleaseFailed",
    ),
    "app": (
        "AppCreated",
        "AppDeleted",
        "DomainAdded",
        "DomainRemoved",
        "ConfigChanged",
        "PreviewOpened",
        "PreviewClosed",
    ),
    "network": ("DnsReady", "DnsRefused", "CertificateReady", "CertificateFailed", "CertificateChanged"),
}


def all_events() -> tuple[type[Event], ...]:
    """Return every event class; imports them all, so it is for tools and tests."""
    found = []
    for module, names in MODULES.items():
        loaded = import_module(f"functions.common.events.{module}")
        found += [cast("type[Event]", getattr(loaded, name)) for name in names]
    return tuple(found)


def event_class(event_type: str) -> type[Event] | None:
    """Return the class of a type, or None when it is none of ours."""
    if not event_type.startswith(TYPE_PREFIX):
        return None
    return next((event for event in all_events() if event.type == event_type), None)
