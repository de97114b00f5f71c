"""Becomes an app's process: `python launch.py SPEC`, where SPEC is JSON with command, folder and environment.

Run by itself, so it imports nothing of the platform; thus neither a shell's quoting nor the process
manager's configuration ever sees an app's secrets.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Replace this process by the app's."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not Path(spec["folder"]).is_dir():
        sys.exit(f"the image is gone: {spec['folder']} does not exist; push again, or roll back to another release")
    os.chdir(spec["folder"])
    inherited = {name: value for name, value in os.environ.items() if name in spec["inherit"]}  # noqa: TID251 - no settings
    os.execve(  # noqa: S606 - the shell is in it
        "/bin/sh", ["sh", "-c", spec["command"]], {**inherited, **spec["environment"]}
    )


if __name__ == "__main__":
    main()
