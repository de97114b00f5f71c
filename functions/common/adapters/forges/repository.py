"""A repository and all its URLs."""

from collections.abc import Iterable

from functions.common.adapters.forges.fields import MAX_NAME, Fields
from functions.common.errors import Rejected
from functions.common.events.push import Repository


def read_repository(fields: Fields, *, name: str, urls: Iterable[str]) -> Repository:
    """Return the repository; `name` and `urls` are the forge's words, the best URL to clone first."""
    found = (fields.optional_text(url) for url in urls)
    known = tuple(dict.fromkeys(url for url in found if url and len(url) <= MAX_NAME))
    if not known:
        msg = f"field {fields.path} of the payload has none of the URLs {', '.join(urls)}"
        raise Rejected(msg)
    return Repository(
        full_name=fields.text(name), urls=known, default_branch=fields.optional_text("default_branch")[:MAX_NAME]
    )
