"""Log lines: JSON, one object a line, as log collectors read them, and plain ones for people.

Much of what is logged was chosen by who sent it. Characters that do not print are escaped in both, so that no text
begins a line of its own, moves the cursor of a terminal, or turns around the order in which a line is read.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_BYTE, _PLANE = 0x100, 0x10000


class JsonLines(logging.Formatter):
    """Formats a record with its `extra={"fields": {...}}`; never pass a secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = json.dumps(line, ensure_ascii=False, default=str)
        return text if _is_plain(text) else "".join(map(_in_json, text))


class PlainLines(logging.Formatter):
    """Formats a record as one line for people; the lines of a traceback are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is that of logging
        """Return the line."""
        text = super().formatMessage(record)
        return text if _is_plain(text) else "".join(map(_in_text, text))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 - as above
        """Return the traceback."""
        lines = super().formatException(ei).splitlines()
        return "\n".join("    " + "".join(map(_in_text, line)) for line in lines)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _in_json(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1].replace("\x7f", "\\u007f")


def _in_text(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < _BYTE else f"\\u{code:04x}" if code < _PLANE else f"\\U{code:08x}"


def log_json_lines(level: int = logging.INFO) -> None:
    """Send the logger `slipway` to standard error as JSON lines; a repeat changes nothing."""
    logger = logging.getLogger("slipway")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False


def log_plain_lines(*filters: logging.Filter, name: bool = False) -> None:
    """Send all loggers to standard error as plain lines, `name` those of the loggers too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLines(f"%(asctime)s %(levelname)s {'%(name)s ' if name else ''}%(message)s"))
    for one in filters:
        handler.addFilter(one)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
