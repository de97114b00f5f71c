"""Becomes an app's process: `python -I -S launch.py FILE`, where FILE is JSON with command, folder and environment.

So an app's secrets pass through no shell's quoting and are not in the process manager's configuration. It imports
nothing of the platform.
"""

import fcntl
import json
import os
import resource
import sys
import termios
from pathlib import Path


def main() -> None:
    """Execute the app's command."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not Path(spec["folder"]).is_dir():
        sys.exit(f"the image is gone: {spec['folder']} does not exist; push again, or roll back to another release")
    os.chdir(spec["folder"])
    if spec.get("tty"):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal becomes that of the session, for Ctrl-C and jobs
    _limit(int(spec.get("memory", 0)), int(spec.get("cores", 0)))
    inherited = {name: value for name, value in os.environ.items() if name in spec["inherit"]}  # noqa: TID251 - no settings
    os.execve(  # noqa: S606 - it is a shell
        "/bin/sh", ["sh", "-c", spec["command"]], {**inherited, **spec["environment"]}
    )


def _limit(memory: int, cores: int) -> None:
    """Limit the data of each process of the app, in bytes, and the cores that it may use; 0 for no limit."""
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    allowed = sorted(os.sched_getaffinity(0)) if cores else []
    if len(allowed) > cores:
        first = os.getpid() % len(allowed)  # so that not all apps share the first core
        os.sched_setaffinity(0, {allowed[(first + position) % len(allowed)] for position in range(cores)})


if __name__ == "__main__":
    main()
