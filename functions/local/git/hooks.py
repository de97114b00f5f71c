"""The hooks of all repositories, in one folder that they share."""

import shlex
import sys
from pathlib import Path

from functions.local.git import post_receive

_FOLDER = ".hooks"  # LocalRepositories sets it as core.hooksPath


def write_hooks(home: Path) -> None:
    """Write the post-receive hook; each start of the platform may change its paths."""
    folder = home / "git" / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    command = shlex.join([sys.executable, "-I", "-S", post_receive.__file__, str(home)])
    hook = folder / "post-receive"
    hook.write_text(f"#!/bin/sh\nexec {command}\n")
    hook.chmod(0o755)
