"""Which paths a push changed, and whether that is all of them."""

from collections.abc import Sequence

from functions.common.adapters.forges.fields import MAX_NAME, Fields

MAX_PATHS = 1000  # an event must stay well below the megabyte that brokers carry
_LISTS = ("added", "modified", "removed")


def changed_paths(commits: Sequence[Fields]) -> tuple[str, ...]:
    """Return the paths of all commits, sorted, each once; empty when they are too many to carry."""
    paths = {path for commit in commits for name in _LISTS for path in commit.texts(name)}
    if len(paths) > MAX_PATHS or any(len(path) > MAX_NAME for path in paths):
        return ()
    return tuple(sorted(paths))


def lists_files(commits: Sequence[Fields]) -> bool:
    """Return whether every commit says which files it changed; older forges leave that out."""
    return all(commit.has(name) for commit in commits for name in _LISTS)
