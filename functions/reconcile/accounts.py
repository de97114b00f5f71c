"""Puts the SSH keys and roles of users into the forge, and removes them there."""

from dataclasses import dataclass

from functions.common.errors import SlipwayError
from functions.common.events.app import AccountChanged, AppCreated
from functions.common.ports.forge import ForgeAccount, ForgeAccountRecords, ForgeAccounts
from functions.reconcile.handler import for_each

ACCOUNTS = 20  # a tick: each is a few calls to the forge


def sync_accounts(event: AccountChanged | AppCreated, *, accounts: "Accounts | None") -> None:
    """Sync the users that have changed before the next tick: they are about to push."""
    del event
    if accounts:
        accounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Step: users whose keys or roles have changed since the last sync."""

    records: ForgeAccountRecords
    forge: ForgeAccounts

    def __call__(self) -> None:
        """Sync some users; what the forge refuses is recorded with the user."""
        for_each(self.records.claim(limit=ACCOUNTS), self._sync, what="accounts")

    def _sync(self, account: ForgeAccount) -> None:
        try:
            synced = self.forge.sync(account)
        except SlipwayError as error:
            self.records.fail(account, str(error))
            raise
        self.records.finish(account, synced)
