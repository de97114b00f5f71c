"""What PostgreSQL says went wrong, as its five-character code."""

UNIQUE_VIOLATION = "23505"
FOREIGN_KEY_VIOLATION = "23503"


def sqlstate(error: Exception) -> str:
    """Return the SQLSTATE of an error of pg8000, empty when it carries none."""
    fields = error.args[0] if error.args else None
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""
