"""Logs of pods, kept while tests run: when a function scales to zero, its log is deleted with its pod."""

import threading
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Self

_EVERY_SECONDS = 0.3
_LINES = 60  # of each container


class PodLogs:
    """Keeps open the files that the kubelet writes below `folder`, so that they outlive their pods."""

    def __init__(self, folder: Path, *, namespaces: tuple[str, ...]) -> None:
        self._folder = folder
        self._patterns = [f"{namespace}_*/*/*.log" for namespace in namespaces]
        self._files = dict[Path, TextIOWrapper]()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_open, daemon=True)

    def __enter__(self) -> Self:
        """Start to look for files."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._stopped.set()
        self._thread.join()
        for file in self._files.values():
            file.close()

    def since(self, began: datetime) -> str:
        """Return the last lines since then of each container that logged any."""
        return "\n".join(filter(None, (self._tail(path, began) for path in sorted(self._files))))

    def _tail(self, path: Path, began: datetime) -> str:
        self._files[path].seek(0)
        # Each line begins with its time: https://github.com/kubernetes/design-proposals-archive, kubelet-cri-logging.
        start = began.astimezone(UTC).isoformat(timespec="microseconds")[:26]
        lines = [line for line in self._files[path] if line[:26] >= start]
        name = f"{path.parent.parent.name} {path.parent.name}"
        return f"--- {name}, {len(lines)} lines\n{''.join(lines[-_LINES:])}" if lines else ""

    def _keep_open(self) -> None:
        while not self._stopped.wait(_EVERY_SECONDS):
            for pattern in self._patterns:
                with suppress(FileNotFoundError):  # a pod's folder was deleted meanwhile: the next turn continues
                    for path in self._folder.glob(pattern):
                        self._open(path)

    def _open(self, path: Path) -> None:
        if path not in self._files:
            with suppress(FileNotFoundError):  # it was deleted between listing and opening
                self._files[path] = path.open(errors="replace")
