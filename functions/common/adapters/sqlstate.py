"""What PostgreSQL says went wrong, as its five-character code."""

UNIQUE_VIOLATION = "23505"
FOREIGN_KEY_VIOLATION = "23503"


def sqlstate(error: Exception) -> str:
    """Return the SQLSTATE of an error of pg8000, empty when it carries none."""
    return _field(error, "C")


def is_outdated_plan(error: Exception) -> bool:
    """Whether a prepared statement's columns were changed since; on a new connection it is prepared anew."""
    return _field(error, "R") == "RevalidateCachedQuery"  # it has no SQLSTATE of its own


def _field(error: Exception, name: str) -> str:
    fields = error.args[0] if error.args else None
    return str(fields.get(name, "")) if isinstance(fields, dict) else ""
