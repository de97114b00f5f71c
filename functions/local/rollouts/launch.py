"""Becomes an app's process: `python -I -S launch.py FILE`, where FILE is JSON with command, folder and environment.

So an app's secrets pass through no shell's quoting and are not in the process manager's configuration. It imports
nothing of the platform.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Execute the app's command."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not Path(spec["folder"]).is_dir():
        sys.exit(f"the image is gone: {spec['folder']} does not exist; push again, or roll back to another release")
    os.chdir(spec["folder"])
    inherited = {name: value for name, value in os.environ.items() if name in spec["inherit"]}  # noqa: TID251 - no settings
    os.execve(  # noqa: S606 - it is a shell
        "/bin/sh", ["sh", "-c", spec["command"]], {**inherited, **spec["environment"]}
    )


if __name__ == "__main__":
    main()
