"""What git over HTTP and git over SSH share: who has access, and how git's programs run."""

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.apps import PostgresAppDirectory
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.limits import strangers
from functions.common.adapters.postgres.members import PostgresMembers, PostgresSshKeys
from functions.common.settings import Settings
from functions.local.git.access import GitAccess

MAX_PUSH_BYTES = 8 * 1024**3
_GIT_CONFIG = {
    "receive.denyNonFastForwards": "false",
    "receive.denyDeletes": "false",
    "receive.advertisePushOptions": "true",
    "receive.maxInputSize": str(MAX_PUSH_BYTES),
    "safe.directory": "*",
    # HEAD is the branch that was pushed first, perhaps one for a preview; a forge's HEAD means more.
    "receive.denyDeleteCurrent": "ignore",
}


def git_access(settings: Settings) -> GitAccess:
    """Return who has access, by the accounts in PostgreSQL."""
    database = Postgres(settings.database.url.get_secret_value())
    return GitAccess(
        folder=settings.local.home / "git",
        owner=settings.forge.organisation,
        tokens=PostgresAccessTokens(database=database),
        keys=PostgresSshKeys(database=database),
        members=PostgresMembers(database=database),
        apps=PostgresAppDirectory(database=database),
        strangers=strangers(database, "git over HTTP", rate=settings.rates.anonymous, proxies=0),
    )


def git_environment(path: str, *, pusher: str, protocol: str) -> dict[str, str]:
    """Return the environment of git's programs and hooks; `pusher` is the email of the user, empty without one."""
    found = {"PATH": path, "GIT_PROTOCOL": protocol, "SLIPWAY_PUSHER": pusher}
    found["GIT_CONFIG_COUNT"] = str(len(_GIT_CONFIG))
    for number, (name, value) in enumerate(_GIT_CONFIG.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found
