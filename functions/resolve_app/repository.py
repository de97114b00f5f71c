"""A repository's keys."""

from contextlib import suppress

from functions.common.domain.git_url import repository_key
from functions.common.errors import Rejected
from functions.common.events.push import Repository


def keys_of(repository: Repository) -> tuple[str, ...]:
    """Return the key of each of the repository's URLs, the best first. Raises Rejected when none can be read."""
    keys = []
    for url in repository.urls:
        with suppress(Rejected):
            keys.append(repository_key(url))
    if not keys:
        msg = f"repository {repository.full_name} comes without a git URL that can be read"
        raise Rejected(msg)
    return tuple(dict.fromkeys(keys))
