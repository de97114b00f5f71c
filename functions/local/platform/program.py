"""A program under the process manager, and its section of supervisord.conf."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from functions.common.errors import Rejected

_ENDLESS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs, where, with which environment beside the process manager's own."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop_signal: str = "TERM"
    stop_as_group: bool = True
    stop_seconds: int = 5
    priority: int = 100
    autostart: bool = True

    def section(self, logs: Path) -> str:
        """Return its section: restarted for ever, its output in one file that is kept small."""
        settings = {
            "command": shlex.join(self.command),
            "directory": str(self.directory),
            "environment": ",".join(f"{name}={_quoted(name, value)}" for name, value in self.environment.items()),
            "user": self.user,
            "priority": str(self.priority),
            "autostart": str(self.autostart).lower(),
            "autorestart": "true",
            "startsecs": "1",
            "startretries": str(_ENDLESS),
            "stopsignal": self.stop_signal,
            "stopwaitsecs": str(self.stop_seconds),
            "stopasgroup": str(self.stop_as_group).lower(),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{self.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "2",
        }
        lines = [f"{name} = {value.replace('%', '%%')}" for name, value in settings.items() if value]
        return "\n".join([f"[program:{self.name}]", *lines, ""])


def _quoted(name: str, value: str) -> str:
    quote = "'" if '"' in value else '"'
    if quote in value or "\n" in value:
        msg = f"the variable {name} cannot be given to a process: it holds both kinds of quotes, or a line break"
        raise Rejected(msg)
    return f"{quote}{value}{quote}"
