"""An environment is closed: what is being built for it is not wanted any more."""

from functions.common.domain.build import APP_DELETED, PREVIEW_CLOSED
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.ports.builds import Builder, BuildLedger, BuildNames


def handle_preview_closed(event: PreviewClosed, *, builds: BuildLedger, builder: Builder) -> None:
    """Cancel what runs for the preview, unless it is open again."""
    for name in builds.cancel(event.app, event.environment, cause=PREVIEW_CLOSED):
        builder.cancel(name)


def handle_app_deleted(event: AppDeleted, *, builds: BuildLedger, names: BuildNames, builder: Builder) -> None:
    """Cancel what runs for the app's environments, but for those of a new app of the same name.

    What ran when it was deleted went from the ledger with the app: the event names it; a name that is recorded
    now was taken again, by a new app for a build of its own.
    """
    for name in (*builds.cancel(event.app, "", cause=APP_DELETED), *names.unknown(event.builds)):
        builder.cancel(name)
