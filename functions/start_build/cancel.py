"""Cancels the builds of environments that were closed, and those that people cancel."""

from functions.common.domain.build import APP_DELETED, PREVIEW_CLOSED
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.events.build import BuildCancelled
from functions.common.ports.builds import Builder, BuildLedger, BuildNames


def handle_build_cancelled(event: BuildCancelled, *, builder: Builder) -> None:
    """Cancel the build; who did it was recorded with the event."""
    builder.cancel(event.build)


def handle_preview_closed(event: PreviewClosed, *, builds: BuildLedger, builder: Builder) -> None:
    """Cancel the preview's running builds, unless it is open again."""
    for name in builds.cancel(event.app, event.environment, cause=PREVIEW_CLOSED):
        builder.cancel(name)


def handle_app_deleted(event: AppDeleted, *, builds: BuildLedger, names: BuildNames, builder: Builder) -> None:
    """Cancel the app's running builds, but not those of a new app with the same name.

    The builds were deleted from the ledger together with the app, so the event lists them. A listed name that is
    recorded now belongs to a build of the new app.
    """
    for name in (*builds.cancel(event.app, "", cause=APP_DELETED), *names.unknown(event.builds)):
        builder.cancel(name)
