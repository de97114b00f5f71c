"""One resource of a manifest, read strictly: what is not understood is refused, naming file and field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A mapping in a manifest and the way to it, for error texts."""

    file: str
    where: str
    body: Mapping[str, Any]

    def refuse(self, field: str, problem: str) -> NoReturn:
        """Raise Rejected naming the file, the resource and the field."""
        msg = f"{self.file}: {self.where}{field}: {problem}"
        raise Rejected(msg)

    def only(self, *known: str) -> "Resource":
        """Return itself when it has no other fields than these."""
        for name in self.body:
            if name not in known:
                self.refuse(name, f"is not supported on one machine; supported are {', '.join(known)}")
        return self

    def part(self, name: str) -> "Resource":
        """Return the mapping in a field; empty when the field is missing."""
        body = self.body.get(name)
        if body is not None and not isinstance(body, Mapping):
            self.refuse(name, "must be a mapping")
        return Resource(file=self.file, where=f"{self.where}{name}.", body=body or {})

    def parts(self, name: str) -> Iterator["Resource"]:
        """Return the mappings of a list."""
        for index, body in enumerate(self.body.get(name) or ()):
            if not isinstance(body, Mapping):
                self.refuse(f"{name}[{index}]", "must be a mapping")
            yield Resource(file=self.file, where=f"{self.where}{name}[{index}].", body=body)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string field."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            self.refuse(name, "is missing" if value is None else "must be a string that is not empty")
        return value

    def count(self, name: str, default: int | None = None) -> int:
        """Return a field that is a whole number of zero or more."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.refuse(name, "is missing" if value is None else "must be a whole number, zero or more")
        return value


def read_resources(root: Path, path: Path) -> Iterator[tuple[str, Resource]]:
    """Return each document of a YAML file with its kind. Raises Rejected when it cannot be read."""
    with IMPORT_LOCK:
        import yaml  # noqa: PLC0415 - only the platform's start needs it

    file = str(path.relative_to(root))
    try:
        documents = list(yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (OSError, yaml.YAMLError) as error:
        msg = f"{file}: cannot be read: {error}"
        raise Rejected(msg) from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, Mapping) or not isinstance(document.get("kind"), str):
            msg = f"{file}: a document has no kind"
            raise Rejected(msg)
        metadata = document.get("metadata") or {}
        name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
        yield document["kind"], Resource(file=file, where=f"{document['kind']} {name}: ", body=document)
