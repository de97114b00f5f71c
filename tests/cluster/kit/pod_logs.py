"""What pods said, kept while tests run: the log of a function at rest goes with its pod."""

import threading
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Self

_EVERY_SECONDS = 0.3
_LINES = 60  # of each container


class PodLogs:
    """Holds the files open that the kubelet writes below `folder`, so that they outlive their pods."""

    def __init__(self, folder: Path, *, namespaces: tuple[str, ...]) -> None:
        self._folder = folder
        self._patterns = [f"{namespace}_*/*/*.log" for namespace in namespaces]
        self._held = dict[Path, TextIOWrapper]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look for files."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the files go."""
        self._over.set()
        self._thread.join()
        for file in self._held.values():
            file.close()

    def since(self, began: datetime) -> str:
        """Return the last lines of each container that said anything since then, in UTC."""
        return "\n".join(filter(None, (self._said(path, began) for path in sorted(self._held))))

    def _said(self, path: Path, began: datetime) -> str:
        self._held[path].seek(0)
        # Each line begins with its time: https://github.com/kubernetes/design-proposals-archive, kubelet-cri-logging.
        start = began.astimezone(UTC).isoformat(timespec="microseconds")[:26]
        lines = [line for line in self._held[path] if line[:26] >= start]
        name = f"{path.parent.parent.name} {path.parent.name}"
        return f"--- {name}, {len(lines)} lines\n{''.join(lines[-_LINES:])}" if lines else ""

    def _hold(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            for pattern in self._patterns:
                with suppress(FileNotFoundError):  # a pod's folder went while it was looked into: the next look goes on
                    for path in self._folder.glob(pattern):
                        self._open(path)

    def _open(self, path: Path) -> None:
        if path not in self._held:
            with suppress(FileNotFoundError):  # it went between the look and the opening
                self._held[path] = path.open(errors="replace")
