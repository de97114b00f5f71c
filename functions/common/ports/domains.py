"""Hosts of users' own that lead to apps."""

from typing import Protocol


class Domains(Protocol):
    """Custom domains; each belongs to one app."""

    def add(self, app: str, host: str) -> str:
        """Give the host to the app and return its owner, which is another app when that one had it before."""
        ...

    def remove(self, app: str, host: str) -> bool:
        """Take the host from the app; False when the app does not have it."""
        ...
