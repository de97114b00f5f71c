"""Records as answers show them: their fields, times as RFC 3339."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def view_of(record: "DataclassInstance", *without: str) -> dict[str, Any]:
    """Return the record's fields, but for those named."""
    return {name: _shown(value) for name, value in asdict(record).items() if name not in without}


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
