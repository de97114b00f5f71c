"""Every event type, and the class that reads it."""

from importlib import import_module
from typing import cast

from functions.common.events.base import Event

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
