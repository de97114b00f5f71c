"""What every function needs: settings, clock, database, event log, event sink, and its platform."""

from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.postgres.migrations import check
from functions.common.adapters.system_clock import SystemClock
from functions.common.platform.choice import Platform, choose_platform
from functions.common.settings import Settings, from_environment

MIGRATIONS = Path(__file__).parents[3] / "schemas" / "migrations"


@dataclass(frozen=True, kw_only=True)
class Core:
    """The shared parts of one process, each made at its first use."""

    settings: Settings

    @cached_property
    def clock(self) -> SystemClock:
        """The machine's clock."""
        return SystemClock()

    @cached_property
    def database(self) -> Postgres:
        """PostgreSQL at DATABASE_URL."""
        return Postgres(self.settings.database.url.get_secret_value())

    def check_migrations(self) -> None:
        """Raise Rejected when the database does not fit this version, Unavailable when it does not answer.

        The connection is left for the first event: it opens before that comes.
        """
        check(self.database, MIGRATIONS)
        self.database.leave_connection()

    @cached_property
    def log(self) -> PostgresEventLog:
        """The event log in that database."""
        return PostgresEventLog(database=self.database)

    @property
    def event_token(self) -> str:
        """The token of the broker's requests, empty where another part checks them."""
        return self.settings.broker.token.get_secret_value()

    @cached_property
    def sink(self) -> BrokerSink:
        """The broker at K_SINK."""
        given = self.settings.broker
        return BrokerSink(
            url=given.sink,
            log=self.log,
            clock=self.clock,
            extensions=given.extensions,
            token=partial(token_for_broker, self.event_token, given.token_file),
        )

    @cached_property
    def cipher(self) -> FernetCipher:
        """The keys of SLIPWAY_CONFIG_KEYS."""
        return FernetCipher(keys=self.settings.encryption.config_keys)

    @cached_property
    def platform(self) -> Platform:
        """The adapters that depend on SLIPWAY_PLATFORM."""
        return choose_platform(self)


def token_for_broker(token: str, file: Path) -> str:
    """Return the token, or that of the file, which the kubelet renews; empty without either."""
    if token:
        return token
    try:
        return file.read_text().strip()
    except OSError:
        return ""


@cache
def core() -> Core:
    """Return the parts of this process, by its environment; a composition that failed reuses them."""
    return Core(settings=from_environment())


def check_migrations() -> None:
    """Check the database of this process; see Core."""
    core().check_migrations()
