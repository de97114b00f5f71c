"""What the database must hold before the platform is ready."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.postgres_migrations import migrate
from functions.common.domain.git_url import repository_key
from functions.local.instance import Instance
from functions.local.platform.programs import CODE

_SCHEMAS = Path("schemas/migrations")
_PLATFORM = Path(__file__).parents[1] / "migrations"


def prepare(instance: Instance) -> None:
    """Apply migrations and let the admin token in. Raises Unavailable until PostgreSQL answers, Rejected."""
    database = Postgres(instance.database_url)
    try:
        for folder in (CODE / _SCHEMAS, _PLATFORM):
            if folder.is_dir():
                migrate(database, folder)
        database.run(
            "insert into api_tokens (digest, name, role) values (:digest, 'admin of this machine', 'admin') "
            "on conflict (digest) do nothing",
            digest=hashlib.sha256(instance.admin_token.encode()).hexdigest(),
        )
        _follow_git_server(database, instance)
    finally:
        database.close()


def _follow_git_server(database: Postgres, instance: Instance) -> None:
    """Let apps whose repository is here know it under the port that the git server has now."""
    base = instance.url("git")
    for app, url in database.run(
        "select name, git_url from projects where git_url ~ '^http://127\\.0\\.0\\.1:[0-9]+/'"
    ):
        path = urlsplit(url).path
        if url == base + path or not (instance.home / "git" / path.strip("/")).is_dir():
            continue
        database.run(
            "update projects set git_url = :url, git_key = :key, "
            "git_clone_http = case when git_clone_http = :old then :url else git_clone_http end where name = :app",
            url=base + path,
            key=repository_key(base + path),
            old=url,
            app=app,
        )
