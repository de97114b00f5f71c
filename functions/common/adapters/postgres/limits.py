"""Limits in the table rate_limits: one row for each limit and subject, which holds one time."""

import hashlib
from dataclasses import dataclass
from math import ceil

from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.clients import client_address, network_of
from functions.common.ports.audit import AuditLog
from functions.common.ports.limits import Rate, RateLimit

# Beyond the limit nothing is written and no row is locked: `known` reads, and the insert has no row.
_TAKE = """
with known as materialized (select busy_until from rate_limits where subject = :subject),
taken as (
    insert into rate_limits as r (subject, busy_until)
    select :subject, now() + cast(:each as interval) from (select) as one
    where coalesce((select busy_until <= now() + cast(:slack as interval) from known), true)
    on conflict (subject) do update set busy_until = greatest(r.busy_until, now()) + cast(:each as interval)
    where r.busy_until <= now() + cast(:slack as interval)
    returning true
)
select exists (select from taken),
    extract(epoch from (select busy_until from known) - now() - cast(:slack as interval))::float8
"""
_GIVE_BACK = "update rate_limits set busy_until = busy_until - cast(:each as interval) where subject = :subject"
_FORGET = "delete from rate_limits where subject = :subject"
_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRateLimit:
    """RateLimit over the table rate_limits; `name` is the limit's own.

    A statement that is repeated on a new connection may count twice.
    """

    database: Postgres
    name: str
    rate: Rate

    def take(self, subject: str) -> float:
        """Count one, or return how long to wait; see RateLimit."""
        if not self.rate.burst:
            return 0.0
        slack = self.rate.seconds * (self.rate.burst - 1)
        values = {"subject": self._row(subject), "each": self._each, "slack": _interval(slack)}
        ((is_taken, wait),) = self.database.run(_TAKE, **values)
        return 0.0 if is_taken else max(_LEAST_SECONDS, wait or 0.0)

    def give_back(self, subject: str) -> None:
        """Take back one that was counted."""
        self.database.run(_GIVE_BACK, subject=self._row(subject), each=self._each)

    def forget(self, subject: str) -> None:
        """Take back all that were counted."""
        self.database.run(_FORGET, subject=self._row(subject))

    @property
    def _each(self) -> str:
        return _interval(self.rate.seconds)

    def _row(self, subject: str) -> str:
        return hashlib.sha256(f"{self.name}\n{subject}".encode(errors="surrogatepass")).hexdigest()


def _interval(seconds: float) -> str:
    return f"{seconds:f} seconds"  # PostgreSQL takes no exponent here, and counts in microseconds as well


# Others can slow an account down on purpose, so it earns an attempt each minute. Many may share an address.
ACCOUNT = Rate(burst=5, seconds=60)
ADDRESS = Rate(burst=20, seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLoginAttempts:
    """LoginAttempts by two rates. An attempt counts before the password is checked: many at once gain nothing."""

    database: Postgres

    def begin(self, *, account: str, address: str) -> float:
        """Count an attempt, or return how long to wait; see LoginAttempts."""
        return self._addresses.take(network_of(address)) or self._accounts.take(account)

    def succeed(self, *, account: str, address: str) -> None:
        """Take an attempt back; see LoginAttempts."""
        self._accounts.forget(account)
        self._addresses.give_back(network_of(address))

    @property
    def _accounts(self) -> PostgresRateLimit:
        return PostgresRateLimit(database=self.database, name="login account", rate=ACCOUNT)

    @property
    def _addresses(self) -> PostgresRateLimit:
        return PostgresRateLimit(database=self.database, name="login address", rate=ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStrangers:
    """Strangers by a rate and the audit log; `where` says what was called, behind so many proxies."""

    limit: RateLimit
    audit: AuditLog
    where: str
    proxies: int

    def refuse(self, connected: str, forwarded: str = "") -> int:
        """Refuse one; see Strangers."""
        network = network_of(client_address(forwarded, connected, proxies=self.proxies))
        if wait := self.limit.take(network):
            self.audit.limit(actor=network, action="token.limit", target=self.where, detail="too many unknown tokens")
            return ceil(wait)
        self.audit.refuse(actor=network, action="token.refuse", target=self.where, detail="unknown, revoked or expired")
        return 0


def strangers(database: Postgres, where: str, *, rate: int, proxies: int) -> PostgresStrangers:
    """Return the strangers of a part of the platform; those of all parts share one rate for each address."""
    limit = address_limit(database, rate)
    return PostgresStrangers(limit=limit, audit=PostgresAuditLog(database=database), where=where, proxies=proxies)


def address_limit(database: Postgres, rate: int) -> PostgresRateLimit:
    """Return the limit of requests without a token in force, so many a minute for each address."""
    return PostgresRateLimit(database=database, name="requests of an address", rate=Rate.per_minute(rate))
