"""An event on its way through the bridge: attributes as text, data as the bytes that came in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

# The HTTP binding: space, double quote, percent and all but printable ASCII are percent-encoded.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_QUOTED = lru_cache(4096)(lambda value: quote(value, safe=_SAFE))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent:
    """`attributes` hold everything but the data, `datacontenttype` included."""

    attributes: Mapping[str, str]
    data: bytes

    def frame(self) -> bytes:
        """Return it as one message of the stream: a line of JSON, then the data."""
        return json.dumps(self.attributes, separators=(",", ":")).encode() + b"\n" + self.data

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the HTTP headers of the binary mode."""
        headers = []
        for name, value in self.attributes.items():
            if name == "datacontenttype":
                headers.append((b"content-type", value.encode("latin-1", "replace")))
            else:
                headers.append((b"ce-" + name.encode(), _QUOTED(value).encode()))
        return headers

    def having(self, extensions: Mapping[str, str]) -> "WireEvent":
        """Return the same event with more extensions."""
        return WireEvent(attributes={**self.attributes, **extensions}, data=self.data)


def unframe(message: bytes) -> WireEvent:
    """Return the event of a message of the stream."""
    head, _, data = message.partition(b"\n")
    return WireEvent(attributes=json.loads(head), data=data)
