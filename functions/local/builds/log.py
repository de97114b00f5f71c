"""The log of one build, written so that it can be followed, and never with a secret."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)
END_MARK = "=====> "  # at the start of a line only here: all that programs print is indented
TAIL_LINES = 20
_READ_BACK = 16_384


class BuildLog:
    """Appends whole lines; `secrets` and the user info of every URL are replaced by `***`."""

    def __init__(self, path: Path, *, secrets: tuple[str, ...] = ()) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._secrets = tuple(secret for secret in secrets if secret)

    def header(self, text: str) -> None:
        """Begin a step."""
        self._write(f"-----> {text}")

    def line(self, text: str) -> None:
        """Write what a step or its program says."""
        self._write(f"       {text}")

    def end(self, text: str) -> None:
        """Write the end marker; nothing may follow."""
        self._write(f"{END_MARK}{text}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, text: str) -> None:
        os.write(self._file, (redacted(text.rstrip("\r\n"), self._secrets) + "\n").encode(errors="replace"))


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return the text without the secrets and without any URL's user info."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _USER_INFO.sub(r"\1***@", text)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return a URL's password as it stands and decoded."""
    password = urlsplit(url).password or ""
    return tuple({password, unquote(password)} - {""})


def log_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, empty when there is none; the end marker does not count."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BACK))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if not line.startswith(END_MARK)][-lines:])
