"""SSH keys of the caller, for git over SSH."""

from dataclasses import dataclass

from pydantic import Field

from functions.common.errors import NotFound
from functions.common.events.app import AccountChanged
from functions.common.ports.accounts import PublicKeyReader, SshKeys
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.manage_apps.models import Body, Moment, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation


class NewSshKey(Body):
    """`public_key` is the line of a .pub file; `name` is unique among the user's keys, by default its comment."""

    name: str = Field(default="", max_length=100)
    public_key: str = Field(max_length=16 * 1024)


class SshKeyView(View):
    """An SSH key; `fingerprint` is what `ssh-keygen -lf FILE` prints.

    `forge` says whether the Forgejo or Gitea of GITEA_URL has the user's keys: stored, pending, or why it refused;
    empty where keys are not put into a forge.
    """

    id: str
    name: str
    public_key: str
    fingerprint: str
    added_at: Moment
    forge: str


class SshKeyPage(PageView):
    """SSH keys, by name."""

    items: tuple[SshKeyView, ...]


class RemovedSshKey(View):
    """The key that was removed."""

    removed: str
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKeyHandlers:
    """The handlers of SSH keys."""

    keys: SshKeys
    reader: PublicKeyReader
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, NoBody, SshKeyPage)
    def list_ssh_keys(self, call: Call[NoQuery, NoBody]) -> Answer[SshKeyPage]:
        """List the caller's SSH keys, by name."""
        items = tuple(SshKeyView.of(one) for one in self.keys.of_user(call.caller.user))
        return Answer(body=SshKeyPage(items=items, next=None))

    @operation(NoQuery, NewSshKey, SshKeyView, statuses=(201,))
    def add_ssh_key(self, call: Call[NoQuery, NewSshKey]) -> Answer[SshKeyView]:
        """Add an SSH public key. DSA, RSA below 2048 bits, and keys that were added already are refused."""
        key = self.reader.read(call.body.public_key)
        name = call.body.name.strip() or key.comment[:100] or key.fingerprint
        with self.changes.begin() as change:
            added = self.keys.add(call.caller.user, name, key)
            change.announce(AccountChanged(actor=call.actor))
            self.audit.record(actor=call.actor, action="ssh-key.add", target=name, detail=key.fingerprint)
        return Answer(status=201, body=SshKeyView.of(added))

    @operation(NoQuery, NoBody, RemovedSshKey)
    def remove_ssh_key(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedSshKey]:
        """Remove one of the caller's SSH keys by its id."""
        with self.changes.begin() as change:
            removed = self.keys.remove(call.caller.user, call.path["key"])
            if removed is None:
                msg = f"you have no SSH key {call.path['key']!r}: see `paas keys list`"
                raise NotFound(msg)
            change.announce(AccountChanged(actor=call.actor))
            detail = removed.fingerprint
            self.audit.record(actor=call.actor, action="ssh-key.remove", target=removed.name, detail=detail)
        return Answer(body=RemovedSshKey(removed=removed.id, name=removed.name, fingerprint=removed.fingerprint))
