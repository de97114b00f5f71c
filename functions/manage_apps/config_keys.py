"""What may be set as config."""

import re
from collections.abc import Mapping
from typing import Any

from functions.common.errors import Rejected

_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_PLATFORMS = re.compile(r"^(PORT\Z|SLIPWAY_)", re.IGNORECASE)
_MAX_VALUE = 64 * 1024


def checked_changes(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """Return key -> value, None to unset. Raises Rejected naming the key, never the value."""
    if not fields:
        msg = 'nothing to change: give {"KEY": "value"}, or null to unset'
        raise Rejected(msg)
    for key, value in fields.items():
        if not _KEY.match(key):
            msg = f"config key {key!r} is not usable: letters, digits and _, not starting with a digit"
            raise Rejected(msg)
        if _PLATFORMS.match(key):
            msg = f"config key {key} is set by the platform: choose another name"
            raise Rejected(msg)
        if value is not None and not isinstance(value, str):
            msg = f"the value of {key} must be a string, or null to unset"
            raise Rejected(msg)
        if value is not None and (len(value) > _MAX_VALUE):
            msg = f"the value of {key} must be at most {_MAX_VALUE} characters"
            raise Rejected(msg)
    return dict(fields)
