"""The tokens of logins on this machine, one for each server."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from functions.cli.client import Failure


@dataclass(frozen=True, slots=True)
class Credentials:
    """A file that only its user may read: {"current": SERVER, "servers": {SERVER: {"token", "email"}}}."""

    file: Path

    @classmethod
    def of_user(cls) -> "Credentials":
        """Return those of the current user."""
        return cls(Path(click.get_app_dir("slipway")) / "credentials.json")

    def current(self) -> str:
        """Return the server of the last login, empty without one."""
        return str(self._read()["current"])

    def token(self, server: str) -> str:
        """Return the token for a server, empty without a login."""
        return str(self._read()["servers"].get(_key(server), {}).get("token", ""))

    def store(self, server: str, *, token: str, email: str) -> None:
        """Store the token of a login and make its server the current one. Raises Failure."""
        servers = {**self._read()["servers"], _key(server): {"token": token, "email": email}}
        self._write({"current": _key(server), "servers": servers})

    def remove(self, server: str) -> None:
        """Remove the token for a server. Raises Failure."""
        known = self._read()
        if _key(server) in known["servers"]:
            known["servers"].pop(_key(server))
            known["current"] = next(iter(known["servers"]), "")
            self._write(known)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            return {"current": str(found["current"]), "servers": dict(found["servers"])}
        except FileNotFoundError:
            return {"current": "", "servers": {}}
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{self.file} cannot be read ({error}): remove it and run `paas login` again"
            raise Failure(msg) from error

    def _write(self, known: dict[str, Any]) -> None:
        draft = self.file.with_suffix(".new")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(known, file, indent=2)
            draft.replace(self.file)
        except OSError as error:
            msg = f"{self.file} cannot be written ({error})"
            raise Failure(msg) from error


def _key(server: str) -> str:
    return server.rstrip("/")
