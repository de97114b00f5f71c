"""The ledgers over one PostgreSQL, with methods to arrange tests."""

from functions.common.adapters.postgres.apps import PostgresAppDirectory
from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.environments import PostgresEnvironments
from functions.common.adapters.postgres.pushes import PostgresPushHistory, PostgresPushLedger
from functions.common.domain.environment import production
from functions.common.domain.git_url import repository_key
from functions.common.domain.push import Push
from functions.common.ports.apps import AppDirectory, Environments
from functions.common.ports.builds import BuildLedger
from functions.common.ports.pushes import PushHistory, PushLedger

KEY = "forge.example.org/team/hello"
NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"


class Ledgers:
    """The ledgers of pushes and builds, with methods to arrange tests."""

    def __init__(self, url: str) -> None:
        self._use(Postgres(url))

    def _use(self, database: Postgres) -> None:
        self.database = database
        self.apps: AppDirectory = PostgresAppDirectory(database=database)
        self.environments: Environments = PostgresEnvironments(database=database)
        self.pushes: PushLedger = PostgresPushLedger(database=database)
        self.history: PushHistory = PostgresPushHistory(database=database)
        self.builds: BuildLedger = PostgresBuildLedger(database=database)

    def add(self, name: str, url: str = f"https://{KEY}.git", *, repository: str = "") -> None:
        """Create an app."""
        sql = "insert into projects (name, git_url, git_key, git_repo_name) values (:name, :url, :key, :repository)"
        self.database.run(sql, name=name, url=url, key=repository_key(url) if url else "", repository=repository)

    def remove(self, name: str) -> None:
        """Delete an app with its environments."""
        self.database.run("delete from projects where name = :name", name=name)

    def break_down(self) -> None:
        """Continue with a server that does not answer."""
        self.database.close()
        self._use(Postgres(NOWHERE))


def opened(world: Ledgers) -> Ledgers:
    """Return the world with the app hello and its production."""
    world.add("hello")
    world.environments.open(production("hello", "main"))
    return world


def a_push(identity: str, letter: str, *, before: str = "0", environment: str = "production") -> Push:
    """Return a push of hello, with letters as commits."""
    return Push(
        id=identity,
        app="hello",
        environment=environment,
        repository=KEY,
        ref="refs/heads/main",
        before=before * 40,
        sha=letter * 40,
    )
