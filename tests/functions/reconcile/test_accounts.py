"""What changes about a user reaches the forge: once, also after a failure, and never less than it should."""

from dataclasses import dataclass, field

import pytest

from functions.common.adapters.postgres.forge_accounts import PostgresForgeAccountRecords
from functions.common.adapters.postgres.members import PostgresMembers, PostgresSshKeys
from functions.common.adapters.postgres.users import PostgresUsers
from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.app import AccountChanged, AppCreated
from functions.common.ports.accounts import AppRole, PublicKey
from functions.common.ports.forge import ForgeAccount, SyncedAccount
from functions.reconcile.accounts import Accounts, sync_accounts
from tests.local.git.people import People
from tests.world import World


@dataclass(slots=True, kw_only=True)
class Forge:
    """A forge that does what it is asked, or raises `error`, or answers with `problems`."""

    accounts: dict[str, ForgeAccount] = field(default_factory=dict)
    calls: int = 0
    error: SlipwayError | None = None
    problems: tuple[str, ...] = ()

    def sync(self, account: ForgeAccount) -> SyncedAccount:
        """Remember the account; see ForgeAccounts."""
        self.calls += 1
        if self.error:
            raise self.error
        self.accounts[account.email] = account
        return SyncedAccount(username="ada", granted=list(account.roles), problems=self.problems)


class Place:
    """A user with a forge."""

    def __init__(self, world: World) -> None:
        self.database = world.database
        self.people, self.forge = People(database=world.database), Forge()
        self.step = Accounts(records=PostgresForgeAccountRecords(database=world.database), forge=self.forge)
        self.keys = PostgresSshKeys(database=world.database)
        self.user = self.people.user("ada")

    def add(self, name: str) -> str:
        """Add a key and return its id."""
        key = PublicKey(text=f"ssh-ed25519 {name}", fingerprint=f"SHA256:{name}", comment="")
        return self.keys.add(self.user, name, key).id

    @property
    def seen(self) -> ForgeAccount:
        """Return the account of the last sync."""
        return self.forge.accounts["ada@example.org"]

    @property
    def shown(self) -> set[str]:
        """Return what the user's keys say about the forge."""
        return {one.forge for one in self.keys.of_user(self.user)}


@pytest.fixture
def place(world: World) -> Place:
    return Place(world)


def test_keys_reach_the_forge_once_and_leave_it(place: Place) -> None:
    laptop = place.add("laptop")
    assert place.shown == {""}
    place.step()
    place.step()

    assert place.seen.keys == {"laptop": "ssh-ed25519 laptop"}
    assert (place.forge.calls, place.shown) == (1, {"stored"})
    place.add("desktop")
    assert place.keys.remove(place.user, laptop)
    assert place.shown == {"pending"}
    place.step()
    assert place.seen.keys == {"desktop": "ssh-ed25519 desktop"}


def test_a_changed_account_reaches_the_forge_before_the_next_tick(place: Place) -> None:
    place.add("laptop")
    sync_accounts(AccountChanged(), accounts=place.step)
    assert place.shown == {"stored"}
    sync_accounts(AppCreated(app="shop", environment="production", host="shop.example.org"), accounts=None)

    assert place.forge.calls == 1


def test_roles_in_created_repositories_reach_the_forge_and_leave_it(place: Place) -> None:
    other = place.people.user("grace")
    place.people.app("shop", owner=other)
    place.database.run("update projects set git_repo_name = '' where name = 'shop'")
    members = PostgresMembers(database=place.database)
    members.put("shop", place.user, AppRole.DEPLOYER)
    place.step()
    assert place.seen.roles == {}

    place.database.run("update projects set git_repo_name = 'shop' where name = 'shop'")
    place.step()
    assert place.seen.roles == {"shop": AppRole.DEPLOYER}
    members.put("shop", place.user, AppRole.VIEWER)
    place.step()
    assert (place.seen.roles, place.seen.granted) == ({"shop": AppRole.VIEWER}, ["shop"])
    members.remove("shop", place.user)
    place.step()
    assert (place.seen.roles, place.seen.granted) == ({}, ["shop"])
    place.add("laptop")
    place.step()
    assert (place.seen.roles, place.seen.granted) == ({}, [])


def test_a_removed_user_loses_everything_there(place: Place) -> None:
    place.people.user("root", administrator=True)
    place.people.app("shop", owner=place.people.user("grace"))
    place.people.member("shop", place.user, AppRole.DEPLOYER)
    place.add("laptop")
    place.step()
    assert PostgresUsers(database=place.database).remove(place.user) == ()

    place.step()

    assert (dict(place.seen.keys), dict(place.seen.roles), place.seen.granted) == ({}, {}, ["shop"])


def test_a_failure_is_shown_and_tried_again_after_a_while_or_a_change(place: Place) -> None:
    place.add("laptop")
    place.forge.error = Unavailable("the forge does not answer")
    place.step()
    place.step()
    assert (place.forge.calls, place.shown) == (1, {"the forge does not answer"})

    place.forge.error = None
    place.database.run("update forge_accounts set tried_at = now() - interval '11 minutes'")
    place.step()
    assert (place.forge.calls, place.shown) == (2, {"stored"})


def test_what_the_forge_refuses_is_shown_until_it_takes_it(place: Place) -> None:
    place.add("laptop")
    place.forge.problems = ("the key is used",)
    place.step()
    place.step()
    assert (place.forge.calls, place.shown) == (1, {"the key is used"})

    place.forge.problems = ()
    place.add("desktop")
    place.step()
    assert (place.forge.calls, place.shown) == (2, {"stored"})


def test_a_role_that_was_given_before_a_crash_is_taken_back_later(place: Place) -> None:
    place.people.app("shop", owner=place.people.user("grace"))
    place.people.member("shop", place.user, AppRole.DEPLOYER)
    place.forge.error = Unavailable("lost the connection after the role was given")
    place.step()
    place.forge.error = None
    PostgresMembers(database=place.database).remove("shop", place.user)

    place.step()

    assert (place.seen.roles, place.seen.granted) == ({}, ["shop"])
