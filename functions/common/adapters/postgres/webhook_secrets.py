"""The webhook secrets of apps, in the table webhook_secrets."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres

_OF_REPOSITORY = """
select distinct s.secret from projects as p join webhook_secrets as s on s.app = p.name
where p.git_key = any(cast(:keys as text[])) and p.git_key <> ''
"""
_PUT = """
insert into webhook_secrets (app, secret) values (:app, :secret)
on conflict (app) do update set secret = excluded.secret, set_at = now()
"""
_REMOVE = "delete from webhook_secrets where app = :app returning app"
_HAS = "select 1 from webhook_secrets where app = :app"
_SHARES = """
select 1 from projects as p join projects as mine on mine.name = :app
where p.git_key = mine.git_key and p.git_key <> '' and p.name <> mine.name
    and not exists (select from webhook_secrets as s where s.app = p.name)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresWebhookSecrets:
    """WebhookSecrets and AppWebhooks over the table webhook_secrets."""

    database: Postgres

    def of_repository(self, *keys: str) -> tuple[str, ...]:
        """Return the secrets of a repository's apps; see WebhookSecrets."""
        return tuple(secret for (secret,) in self.database.run(_OF_REPOSITORY, keys=list(keys)))

    def has(self, app: str) -> bool:
        """Return whether the app has a secret; see AppWebhooks."""
        return bool(self.database.run(_HAS, app=app))

    def put(self, app: str, secret: str) -> None:
        """Set the app's secret; see AppWebhooks."""
        self.database.run(_PUT, app=app, secret=secret)

    def join(self, app: str, secret: str) -> bool:
        """Set the secret of an app with a new repository; see AppWebhooks."""
        with self.database.transaction():
            if self.database.run(_SHARES, app=app):
                self.remove(app)
                return False
            self.put(app, secret)
        return True

    def remove(self, app: str) -> bool:
        """Remove the app's secret; see AppWebhooks."""
        return bool(self.database.run(_REMOVE, app=app))
