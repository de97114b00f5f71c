"""Follows a repository that was renamed or transferred: the app that knows its id gets its new URL."""

from dataclasses import dataclass

from functions.common.domain.git_url import (
    checked_git_url,
    host_key,
    identity_of,
    repository_key,
    repository_keys,
)
from functions.common.errors import Rejected
from functions.common.events.push import PushReceived
from functions.common.ports.apps import AppIdentities
from functions.common.ports.audit import AuditLog
from functions.common.ports.forge import RepositoryNames


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameFollower:
    """Keeps the forge's id of each app's repository, and lets the app's URL follow it to another name.

    Only the app whose own secret signed the webhook is concerned. The forge is asked, where it can be: what a webhook
    says of another name is then not believed alone.
    """

    apps: AppIdentities
    names: RepositoryNames
    audit: AuditLog

    def __call__(self, event: PushReceived) -> None:
        """Remember or follow the repository of a push; safe to repeat. Raises Unavailable."""
        known = self.apps.source(event.signer) if event.signer and event.repository.id else None
        if known is None:
            return
        keys = repository_keys(event.repository.urls)
        identity = identity_of(keys[0], event.repository.id)
        if repository_key(known.git_url) in keys:
            if known.identity != identity:
                self.apps.identify(event.signer, known.git_url, identity)
        elif known.identity == identity:
            self._follow(event, known.git_url)

    def _follow(self, event: PushReceived, old: str) -> None:
        asked = self.names.urls_of(old, event.repository.id)
        url = _like(old, event.repository.urls if asked is None else asked)
        if url and self.apps.move(event.signer, old, url):
            self.audit.record(actor="the forge", action="app.git", target=event.signer, detail=f"{old} is {url} now")


def _like(old: str, urls: tuple[str, ...]) -> str:
    """Return the URL that leads to the host of the old one and in the same way, over HTTP or SSH; or nothing."""
    former = checked_git_url(old)
    for url in urls:
        try:
            found = checked_git_url(url)
        except Rejected:
            continue
        if found.is_web == former.is_web and host_key(found.text) == host_key(former.text):
            return found.text
    return ""
