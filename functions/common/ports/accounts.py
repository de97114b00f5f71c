"""Who may call the API: users, their passwords and tokens, invitations, and what each may do with an app."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from functions.common.errors import SlipwayError


class Scope(StrEnum):
    """What a token allows of all that its user may do: reading, also deploying, or everything."""

    READ = "read"
    DEPLOY = "deploy"
    ADMIN = "admin"

    def covers(self, other: "Scope") -> bool:
        """Return whether this scope allows what the other does."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class AppRole(StrEnum):
    """What a user may do with an app: read; also change and deploy it; also delete it and choose its members."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    OWNER = "owner"

    def covers(self, other: "AppRole") -> bool:
        """Return whether this role allows what the other does."""
        order = list(AppRole)
        return order.index(self) >= order.index(other)


# Users and how they prove who they are.


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. An administrator sees and changes everything."""

    id: str
    email: str
    administrator: bool
    created_at: datetime
    password: str = field(repr=False)


class Users(Protocol):
    """Keeps users; emails are lower case."""

    def by_email(self, email: str) -> User | None:
        """Return the user with this email."""
        ...

    def page(self, *, after: str, limit: int) -> tuple[User, ...]:
        """Return the users whose emails follow `after`, ordered by email."""
        ...

    def add(self, email: str, *, password: str, administrator: bool) -> User | None:
        """Add a user with the hash of a password; None when the email is taken."""
        ...

    def set_password(self, user: str, password: str) -> None:
        """Replace the hash of a user's password."""
        ...

    def set_administrator(self, user: str, *, administrator: bool) -> bool:
        """Make a user an administrator or not; False, changing nothing, when no administrator would be left.

        The invitations of who is none any more end.
        """
        ...

    def remove(self, user: str) -> tuple[str, ...]:
        """Remove the user and the user's invitations, unless apps would be left without an owner: return these instead.

        Raises Rejected when no administrator would be left.
        """
        ...

    def add_first(self, email: str, *, password: str) -> User | None:
        """Add the first administrator, who gets the apps without an owner; None when there is an administrator."""
        ...


class PasswordHasher(Protocol):
    """Hashes passwords, slowly on purpose."""

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        ...

    def verify(self, stored: str, password: str) -> bool:
        """Return whether the password is the stored one; an empty `stored` never matches and takes as long."""
        ...

    def is_outdated(self, stored: str) -> bool:
        """Return whether a new hash of the same password would be stronger."""
        ...


class LoginAttempts(Protocol):
    """Slows attempts at passwords, per account and per address."""

    def begin(self, *, account: str, address: str) -> float:
        """Count an attempt and return 0, or return the seconds to wait before the next one is allowed."""
        ...

    def succeed(self, *, account: str, address: str) -> None:
        """Take back the counted attempt and forget the failures of the account."""
        ...


class ForgeLoginRefused(SlipwayError):
    """The forge does not confirm the login: its code is wrong, used or expired."""


class ForgeLogin(Protocol):
    """Logins at the forge: who the forge says has logged in there."""

    @property
    def name(self) -> str:
        """The forge, such as gitea."""
        ...

    def page(self, *, state: str, challenge: str) -> str:
        """Return the URL of the forge's page at which a login begins.

        The forge leads back with `state` and a code. `challenge` is the SHA-256 of the verifier, in URL-safe base64.
        """
        ...

    def emails(self, *, code: str, verifier: str) -> tuple[str, ...]:
        """Return the verified emails of who logged in, the primary one first.

        Raises ForgeLoginRefused, Unavailable, and Rejected when the forge does not know Slipway.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An email that may become a user."""

    email: str
    administrator: bool
    invited_by: str
    expires_at: datetime


class Invitations(Protocol):
    """Keeps invitations by the SHA-256 of their tokens."""

    def add(self, invitation: Invitation, *, digest: str) -> None:
        """Add an invitation; it replaces an earlier one of the same email."""
        ...

    def take(self, digest: str) -> Invitation | None:
        """Remove and return the invitation with this digest, None when there is none or it has expired."""
        ...

    def take_for(self, email: str) -> Invitation | None:
        """Remove and return the invitation of an email that is proved to be the caller's; None as for `take`."""
        ...

    def all(self) -> tuple[Invitation, ...]:
        """Return the invitations that have not expired, by email."""
        ...

    def remove(self, email: str) -> bool:
        """Withdraw an invitation; False when there is none."""
        ...


# Tokens: what a request carries.


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom a valid token or SSH key belongs to, and what it allows; `token` and `name` are those of the token or key.

    `user` is empty for a token of the platform: it may do for every app what its scope allows. `app` is the only app
    that the token is for, empty for every app of its user.
    """

    token: str
    name: str
    scope: Scope
    app: str = ""
    user: str = ""
    email: str = ""
    administrator: bool = False
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Who the audit log says it was."""
        return self.email or self.name

    @property
    def sees_all(self) -> bool:
        """Whether the caller may act on every app."""
        return not self.user or self.administrator


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token as its user sees it: never the token itself."""

    id: str
    name: str
    scope: Scope
    app: str
    kind: str
    created_at: datetime
    expires_at: datetime | None


class AccessTokens(Protocol):
    """Keeps tokens by the SHA-256 of each, in hex."""

    def find(self, digest: str) -> Caller | None:
        """Return the caller of the token in force with this digest."""
        ...

    def add(self, name: str, scope: Scope, *, digest: str, user: str, app: str, lifetime: timedelta) -> datetime | None:
        """Add a named token and return when it expires; None when the user has one of this name in force."""
        ...

    def add_session(self, name: str, *, digest: str, user: str, lifetime: timedelta) -> datetime:
        """Add the token of a login and return when it expires."""
        ...

    def of_user(self, user: str) -> tuple[TokenRecord, ...]:
        """Return a user's tokens in force, newest first; those of the platform for an empty user."""
        ...

    def revoke(self, name: str, *, user: str) -> bool:
        """Revoke the user's tokens with this name or id, logins too; False when there is none in force."""
        ...

    def revoke_id(self, token: str) -> None:
        """Revoke the token with this id."""
        ...

    def revoke_sessions(self, user: str, *, but: str) -> None:
        """Revoke the sessions of a user but for the token with the id `but`."""
        ...


# Who may do what with an app.


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user of an app."""

    email: str
    role: AppRole
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A caller's role in an app, and when the app was created: events of an earlier app of its name are not its own."""

    role: AppRole
    since: datetime | None = None


class Members(Protocol):
    """Keeps who belongs to which app."""

    def of_user(self, app: str, user: str) -> Membership | None:
        """Return the user's membership of the app."""
        ...

    def all(self, app: str) -> tuple[Member, ...]:
        """Return the members, owners first, then by email."""
        ...

    def put(self, app: str, user: str, role: AppRole) -> bool:
        """Add a member or change the role; False, changing nothing, when the app would be left without an owner."""
        ...

    def remove(self, app: str, user: str) -> bool:
        """Remove a member; False, changing nothing, when the app would be left without an owner. Raises NotFound."""
        ...


# SSH keys.


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An SSH public key: `text` is its type and base64, `fingerprint` is as `ssh-keygen -lf` prints it."""

    text: str
    fingerprint: str
    comment: str


class PublicKeyReader(Protocol):
    """Reads SSH public keys."""

    def read(self, text: str) -> PublicKey:
        """Return the key. Raises Rejected naming the reason when it is not one that is safe to accept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A key of a user. `forge`: stored, pending, or why the forge refused; empty without a forge."""

    id: str
    name: str
    public_key: str
    fingerprint: str
    added_at: datetime
    forge: str = ""


class SshKeys(Protocol):
    """Keeps SSH keys; a fingerprint belongs to one user."""

    def of_user(self, user: str) -> tuple[SshKey, ...]:
        """Return a user's keys, by name."""
        ...

    def add(self, user: str, name: str, key: PublicKey) -> SshKey:
        """Add a key. Raises Rejected when the name or the key is taken, saying whether by this user."""
        ...

    def caller(self, fingerprint: str) -> Caller | None:
        """Return the user of the key with this fingerprint, as a caller with the scope deploy."""
        ...

    def remove(self, user: str, key: str) -> SshKey | None:
        """Remove and return the user's key with this id or fingerprint; None when the user has none."""
        ...
