"""A function that is served as every function is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.bench.processes import free_port
from tests.conftest import ROOT
from tests.local.waiting import until
from tests.patience import patient

LOG = "function.log"


@contextmanager
def served(source: str, folder: Path, *, ready: str = "/", **environment: str) -> Iterator[int]:
    """Yield the port of the function `target` of this source, once the path `ready` answers.

    `folder` is its home; its output goes to LOG in there.
    """
    file, port = folder / "app.py", free_port()
    file.write_text(source)
    given = {"FUNCTION_SOURCE": str(file), "FUNCTION_TARGET": "target", "HOST": "127.0.0.1", "PORT": str(port)}
    given |= {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), **environment}
    command = [sys.executable, "-m", "functions.common.runtime.serve"]
    with (
        (folder / LOG).open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: _answers(port, ready), seconds=30, why="the function's first answer")
            yield port
        finally:
            process.terminate()


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=patient(5))
    try:
        connection.request("GET", path)
        return connection.getresponse().status < HTTPStatus.MULTIPLE_CHOICES
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
