"""Users with tokens, members of an app whose repository has a commit."""

import subprocess
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.members import PostgresMembers, PostgresSshKeys
from functions.common.adapters.postgres.users import PostgresUsers
from functions.common.adapters.ssh_keys import SshPublicKeys
from functions.common.domain.app import App
from functions.common.domain.tokens import digest_of
from functions.common.ports.accounts import AppRole, Scope
from tests.local.git.forge import Forge, clone, commit, git
from tests.local.repositories import HOOK_SECRET

LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Makes users, apps and tokens in a database."""

    database: Postgres

    def user(self, name: str, *, administrator: bool = False) -> str:
        """Add a user and return the id."""
        user = PostgresUsers(database=self.database).add(
            f"{name}@example.org", password="", administrator=administrator
        )
        assert user
        return user.id

    def session(self, user: str) -> str:
        """Log a user in and return the token."""
        token = uuid.uuid4().hex
        tokens = PostgresAccessTokens(database=self.database)
        tokens.add_session("test", digest=digest_of(token), user=user, lifetime=LIFETIME)
        return token

    def token(self, user: str, scope: Scope, *, app: str = "", lifetime: timedelta = LIFETIME) -> str:
        """Make an access token."""
        token = uuid.uuid4().hex
        tokens = PostgresAccessTokens(database=self.database)
        tokens.add(token, scope, digest=digest_of(token), user=user, app=app, lifetime=lifetime)
        return token

    def key(self, user: str, file: Path) -> Path:
        """Make a key, add it to a user, and return the file of its private half."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", file.name, "-f", str(file)], check=True)
        key = SshPublicKeys().read(file.with_suffix(".pub").read_text())
        PostgresSshKeys(database=self.database).add(user, file.name, key)
        return file

    def app(self, name: str, *, owner: str) -> None:
        """Add an app that owns the repository of its name."""
        app = App(id="", name=name, git_url=f"http://127.0.0.1:1/slipway/{name}.git", domain=f"{name}.localhost")
        assert PostgresAppEditor(database=self.database).add(app, repository=name, owner=owner)

    def member(self, app: str, user: str, role: AppRole) -> None:
        """Add a user to an app."""
        PostgresMembers(database=self.database).put(app, user, role)


def fill(forge: Forge, name: str, folder: Path) -> str:
    """Create a repository with one commit on main and return the sha."""
    forge.repositories.create(name, webhook_secret=HOOK_SECRET)
    work = clone(folder / f"first-of-{name}")
    sha = commit(work, {"a": name}, "one")
    bare = forge.home / "git" / "slipway" / f"{name}.git"
    git("push", "-q", "--receive-pack=git -c core.hooksPath=/dev/null receive-pack", str(bare), "main", cwd=work)
    return sha
