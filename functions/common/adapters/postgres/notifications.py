"""Channels of notifications."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.apps import Cipher
from functions.common.ports.notifications import Channel, ChannelKind, NotificationType

_COLUMNS = "id::text as id, coalesce(app, '') as app, name, kind, target, secret, types, errors_only, disabled"
_OF_APP = f"select {_COLUMNS} from notification_channels where coalesce(app, '') = :app order by name"  # noqa: S608 - the columns are a constant
_BY_ID = f"select {_COLUMNS} from notification_channels where id::text = :id"  # noqa: S608 - as above
_ADD = """
insert into notification_channels (app, name, kind, target, secret, types, errors_only)
values (nullif(:app, ''), :name, :kind, :target, :secret, cast(:wanted as text[]), :errors_only)
on conflict do nothing returning id
"""
_REMOVE = "delete from notification_channels where coalesce(app, '') = :app and name = :name returning id"
_DISABLE = "update notification_channels set disabled = :reason where id::text = :id"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresChannels:
    """Channels over the table notification_channels, whose targets and secrets are encrypted."""

    database: Postgres
    cipher: Cipher

    def of_app(self, app: str) -> tuple[Channel, ...]:
        """Return the channels of an app, or of every app; see Channels."""
        return tuple(map(self._channel, self.database.rows(_OF_APP, app=app)))

    def add(self, channel: Channel) -> bool:
        """Add a channel; see Channels."""
        return bool(
            self.database.run(
                _ADD,
                app=channel.app,
                name=channel.name,
                kind=channel.kind.value,
                target=self.cipher.seal(channel.target),
                secret=self.cipher.seal(channel.secret) if channel.secret else "",
                wanted=[one.value for one in channel.types],
                errors_only=channel.errors_only,
            )
        )

    def remove(self, app: str, name: str) -> bool:
        """Remove a channel; see Channels."""
        return bool(self.database.run(_REMOVE, app=app, name=name))

    def find(self, channel: str) -> Channel | None:
        """Return a channel by id; see Channels."""
        rows = self.database.rows(_BY_ID, id=channel)
        return self._channel(rows[0]) if rows else None

    def disable(self, channel: str, reason: str) -> None:
        """Send nothing to it any more; see Channels."""
        self.database.run(_DISABLE, id=channel, reason=reason)

    def _channel(self, row: dict[str, Any]) -> Channel:
        opened = {name: self.cipher.open(row[name]) for name in ("target", "secret")}
        known = {"kind": ChannelKind(row["kind"]), "types": tuple(map(NotificationType, row["types"]))}
        return Channel(**{**row, **opened, **known})
