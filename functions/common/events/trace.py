"""W3C trace context, carried on every event as the extension traceparent."""

import re
import secrets

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})\Z")


def continued(traceparent: str) -> str:
    """Return a traceparent for new work: the same trace with a new span, or a new trace."""
    match = _TRACEPARENT.match(traceparent)
    trace, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
