"""The folder of hooks that all repositories share."""

import shlex
import sys
from pathlib import Path

from functions.local.git import post_receive

FOLDER = ".hooks"


def write_hooks(home: Path) -> None:
    """Write the post-receive hook; its paths may have changed since the last start."""
    folder = home / "git" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    command = shlex.join([sys.executable, "-I", "-S", post_receive.__file__, str(home)])
    hook = folder / "post-receive"
    hook.write_text(f"#!/bin/sh\nexec {command}\n")
    hook.chmod(0o755)
