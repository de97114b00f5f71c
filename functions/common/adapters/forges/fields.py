"""Reads a foreign JSON object field by field; whatever is wrong is Rejected naming the field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.errors import Rejected

MAX_NAME = 1000  # characters of a ref, URL or path: longer ones are no names, and events must stay small


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object; `path` says where in the payload it stands. Null counts as missing."""

    values: Mapping[str, Any]
    path: str = ""

    def has(self, name: str) -> bool:
        """Return whether the field is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Return a string that must be there and not be empty, of at most MAX_NAME characters."""
        value = self.optional_text(name)
        if not value:
            raise self._wrong(name, "is missing")
        if len(value) > MAX_NAME:
            raise self._wrong(name, f"is longer than {MAX_NAME} characters")
        return value

    def optional_text(self, name: str) -> str:
        """Return a string, empty when it is missing; what UTF-8 cannot carry is replaced."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        return _clean(value)

    def number(self, name: str) -> int:
        """Return an integer that must be there."""
        value = self.values.get(name)
        if type(value) is not int:
            raise self._wrong(name, "must be a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean, false when it is missing."""
        value = self.values.get(name, False)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "must be true or false")
        return bool(value)

    def object(self, name: str) -> "Fields":
        """Return an object that must be there."""
        if not self.has(name):
            raise self._wrong(name, "is missing")
        return self.optional_object(name)

    def optional_object(self, name: str) -> "Fields":
        """Return an object, empty when it is missing."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "must be an object")
        return Fields(value or {}, self.where(name))

    def objects(self, name: str) -> tuple["Fields", ...]:
        """Return a list of objects, empty when it is missing."""
        items = self._list(name)
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise self._wrong(_at(name, index), "must be an object")
        return tuple(Fields(item, self.where(_at(name, index))) for index, item in enumerate(items))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings, empty when it is missing."""
        items = self._list(name)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise self._wrong(_at(name, index), "must be a string")
        return tuple(_clean(item) for item in items)

    def _list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, "must be a list")
        return value or []

    def where(self, name: str) -> str:
        """Return where in the payload a field of this object stands."""
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, what: str) -> Rejected:
        return Rejected(f"field {self.where(name)} of the payload {what}")


def _at(name: str, index: int) -> str:
    return f"{name}[{index}]"


def _clean(text: str) -> str:
    # JSON can spell lone surrogates, which UTF-8 cannot carry, and NUL, which PostgreSQL cannot keep.
    text = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return text.replace("\0", "") if "\0" in text else text
