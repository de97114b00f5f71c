"""What PostgreSQL can keep of a text that came from a program, whose bytes may be any."""


def storable(text: str) -> str:
    """Return the text without NUL, which neither text nor jsonb takes, and with `?` for what UTF-8 has no bytes for."""
    return text.encode(errors="replace").decode().replace("\0", "")
