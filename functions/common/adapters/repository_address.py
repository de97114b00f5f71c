"""A repository as statuses name it: by clone URL, by repository key, or by the forge's full name."""

from functions.common.domain.git_url import repository_key


def owner_and_name(text: str, *, base_url: str, default_owner: str = "") -> tuple[str, str] | None:
    """Return owner and name of a repository of the forge at `base_url`, or None for one of another forge."""
    home = repository_key(f"{base_url.rstrip('/')}/any").removesuffix("/any")
    is_url = "://" in text or "@" in text
    key = repository_key(text) if is_url else text.strip("/").removesuffix(".git")
    is_ours = key.startswith(f"{home}/")
    parts = key.removeprefix(f"{home}/").split("/") if is_ours else key.split("/")
    if (is_url and not is_ours) or any(":" in part or part in {"", ".", ".."} for part in parts):
        return None
    match parts:
        case [owner, name]:
            return owner, name
        case [name] if default_owner:
            return default_owner, name
        case _:
            return None
