"""Path filters: globs over the paths of a repository."""

import re
from collections.abc import Iterable
from functools import lru_cache

_TOKENS = re.compile(r"\*\*/|/\*\*\Z|\*\*|\*|\?|.", re.DOTALL)
_MEANINGS = {"**/": "(?:.*/)?", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def touches(globs: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether a glob matches a path.

    `*` and `?` stop at `/`, `**` does not. Without any of them, `web` (or `web/`) is the file or folder
    of that name and all below it. Other characters are themselves: files are called `[id].tsx`.
    """
    patterns = [_pattern(glob) for glob in globs]
    return any(pattern.fullmatch(path) for path in changed for pattern in patterns)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    text = glob.strip().removeprefix("./").lstrip("/")
    if text.endswith("/"):
        text += "**"
    below = "" if "*" in text or "?" in text else "(?:/.*)?"
    parts = (_MEANINGS.get(token, re.escape(token)) for token in _TOKENS.findall(text))
    return re.compile("".join(parts) + below, re.DOTALL)
