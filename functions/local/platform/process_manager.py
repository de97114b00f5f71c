"""supervisord whose logs survive a full disk: `python -I process_manager.py --nodaemon --configuration FILE`.

supervisord reports a log line that it cannot write on its standard error. Where that is on the same full disk,
the report fails too, and the error ends supervisord, or stops it from reading a program's output, which blocks
that program. Here a line that cannot be written is dropped.
"""

import sys
from contextlib import suppress

from supervisor import loggers, supervisord


class BoundedLog(loggers.RotatingFileHandler):
    """A log file that drops what it cannot write, and goes on when there is room."""

    def emit(self, record: loggers.LogRecord) -> None:
        """Write a record and rotate the file when it is too long."""
        try:
            super().emit(record)  # type: ignore[no-untyped-call] # supervisor ships no types
        except (OSError, ValueError):  # ValueError: the file is closed, because reopening it failed
            self.handleError()

    def handleError(self) -> None:  # noqa: N802 - supervisor's name
        """Drop what the file's buffer holds, which may be half of a line, and open the file again."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            self.stream = open(self.baseFilename, self.mode)  # noqa: PTH123, SIM115 - as supervisor opens it


if __name__ == "__main__":
    loggers.RotatingFileHandler = BoundedLog  # type: ignore[misc] # there is no setting for it
    supervisord.main(sys.argv[1:])
