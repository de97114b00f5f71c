"""The style sheet and the scripts: read once, compressed, named by their content so that browsers keep them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Request, Response

from functions.dashboard.session import HOME

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file and its compressed form."""

    content_type: str
    plain: bytes = field(repr=False)
    compressed: bytes = field(repr=False)


class StaticFiles:
    """Answers requests for the files of a folder."""

    prefix = f"{HOME}/static/"

    def __init__(self, folder: Path) -> None:
        paths = [path for path in sorted(folder.iterdir()) if path.suffix in _TYPES]
        self._files = dict[str, StaticFile]()
        self.urls: Mapping[str, str] = {path.name: self._add(path) for path in paths}

    def answer(self, request: Request) -> Response:
        """Return the file, or 404."""
        file = self._files.get(request.path)
        if file is None or request.method not in {"GET", "HEAD"}:
            return Response("there is no such file\n", 404, content_type="text/plain; charset=utf-8")
        headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable", "Vary": "Accept-Encoding"}
        if not request.accept_encodings.quality("gzip"):
            return Response(file.plain, headers=headers, content_type=file.content_type)
        return Response(
            file.compressed, headers={**headers, "Content-Encoding": "gzip"}, content_type=file.content_type
        )

    def _add(self, path: Path) -> str:
        content = path.read_bytes()
        url = f"{self.prefix}{hashlib.sha256(content).hexdigest()[:12]}/{path.name}"
        self._files[url] = StaticFile(
            content_type=_TYPES[path.suffix], plain=content, compressed=gzip.compress(content, mtime=0)
        )
        return url
