"""How far somebody has read an app's logs, as a text to send back."""

import base64
import json
from dataclasses import dataclass, field

from functions.manage_apps.refusals import Malformed

ENDED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCursor:
    """`builds` is build -> offset, ENDED for one that was read to its end; `runtime` is RuntimeLogs' own."""

    builds: dict[str, int] = field(default_factory=dict)
    runtime: str = ""

    def encode(self) -> str:
        """Return the cursor as text for a URL."""
        text = json.dumps([self.builds, self.runtime], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str) -> LogCursor:
    """Return the cursor that was encoded. Raises Malformed when it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        builds, runtime = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return LogCursor(builds={str(name): int(offset) for name, offset in builds.items()}, runtime=str(runtime))
    except (ValueError, TypeError, AttributeError) as error:
        msg = "?cursor= must be the one of the last answer: leave it out to begin anew"
        raise Malformed(msg) from error
