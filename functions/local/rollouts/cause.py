"""Why a process of an app ended: what it printed and how it ended, with the remedy where the cause is a known one.

The text of a reason contains names from an app's output and command, which its own developers read.
"""

import json
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_SIGNALLED = 128  # a shell's exit code of a process that a signal ended is this plus the signal
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
_HEAD_BYTES = 4096
_LAST_CHARACTERS = 200
# As Python, Node, Go, Java, Ruby and nginx say it.
IN_USE = re.compile(r"EADDRINUSE|address (is )?(already )?in use|port \d+ is (already )?in use", re.IGNORECASE)
# How shells and env begin a complaint of a program.
_SHELL = r"^(?:\S*sh|\S*env): (?:(?:line )?\d+: )?(?:exec: )?['\u2018]?([^:\n]+?)['\u2019]?: "
_IMAGE = re.compile(r".*/(?:copy|[0-9a-f]{64})/app/|^\./")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended: its exit code, and whether the system has ended processes meanwhile for lack of memory."""

    code: int
    is_out_of_memory: bool = False

    def __str__(self) -> str:
        """The end of a sentence that begins with the process."""
        if self.code <= _SIGNALLED:
            return f"ended with exit code {self.code}"
        try:
            name = signal.Signals(self.code - _SIGNALLED).name
        except ValueError:
            return f"ended with exit code {self.code}"
        return f"was ended by {name} (exit code {self.code})"


def read_ending(file: Path) -> Ending | None:
    """Return what launch.py wrote at the end of a process; None while there was no end."""
    try:
        found = json.loads(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return Ending(code=found["code"], is_out_of_memory=found["oom"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that ended: `folder` is the app's, `memory` the limit of each process, empty for none."""

    command: str
    ending: Ending
    output: str
    folder: Path
    memory: str = ""

    def reason(self, process: str) -> str:
        """Return why the process ended: the known cause first, else its last line."""
        for known in _CAUSES:
            if cause := known(self):
                return f"{cause} (the {process} {self.ending})"
        if not self.ending.code and process == "web process":
            return f"the {process} {self.ending}: its command must run until it is stopped, and not in the background"
        last = next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")
        return f"the {process} {self.ending}" + (f"; its last line: {last[:_LAST_CHARACTERS]}" if last else "")

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command as a shell splits them."""
        try:
            return tuple(shlex.split(self.command))
        except ValueError:
            return tuple(self.command.split())

    @property
    def names(self) -> tuple[str, ...]:
        """What may be the name of its program: the words of the command, and what a shell complains of."""
        complaint = self.says(_SHELL)
        return (*self.words, *([complaint] if complaint else []))

    def head(self, name: str) -> bytes:
        """Return the beginning of a file of the app; empty when the app has none of that name."""
        try:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
                return b""
            with path.open("rb") as file:
                return file.read(_HEAD_BYTES)
        except (OSError, ValueError):  # a word of the command may be no name of a file
            return b""

    def says(self, pattern: str) -> str:
        """Return the first group of the last match in its output; empty when there is none."""
        found = list(re.finditer(pattern, self.output, re.MULTILINE))
        return found[-1][1].strip() if found else ""


def _out_of_memory(ended: Ended) -> str:
    limit = f"its limit is {ended.memory}: `paas limits --memory`" if ended.memory else "the machine has no more"
    if ended.ending.is_out_of_memory and ended.ending.code == _SIGNALLED + signal.SIGKILL:
        return "out of memory: the system ended it, as the machine had none left"
    if re.search(
        r"(process|heap) out of memory|OutOfMemoryError|^MemoryError|Cannot allocate memory", ended.output, re.MULTILINE
    ):
        return f"out of memory: {limit}"
    return ""


def _windows_lines(ended: Ended) -> str:
    shown = "a script" if re.search(r"\^M: bad interpreter|^\S*env: .*\\r", ended.output, re.MULTILINE) else ""
    for word in ended.names:
        head = ended.head(word)
        if b"\r\n" in head and (head.startswith(b"#!") or word.endswith(".sh")):
            shown = word
            break
    if not shown:
        return ""
    remedy = "save it with LF, and add `* text=auto eol=lf` to .gitattributes"
    return f"the lines of {shown.removeprefix('./')} end as on Windows (CRLF), which no shell here can read: {remedy}"


def _python_library(ended: Ended) -> str:
    if "Fatal Python error: init_" not in ended.output:
        return ""
    return "Python does not find its own library: unset PYTHONHOME and PYTHONPATH in the config"


def _python_module(ended: Ended) -> str:
    name = ended.says(r"^ModuleNotFoundError: No module named '([^']+)'") or ended.says(r": No module named (\S+)$")
    if not name:
        return ""
    first = name.partition(".")[0]
    package = _PACKAGES.get(first, first)
    if re.search(rf"(^|[\s=]){re.escape(first)}(\.\w+)*(:|\s|$)", " ".join(ended.words[1:])):
        where = f"add its file to the repository, or {package} to {_python_file(ended)}"
        return f"the Python module {name}, which the command `{ended.command}` names, is not there: {where}"
    return f"the Python module {name} is not installed: add {package} to {_python_file(ended)}"


# Modules whose package has another name.
_PACKAGES = {
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "PyJWT",
    "MySQLdb": "mysqlclient",
    "PIL": "Pillow",
    "pkg_resources": "setuptools<81",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def _python_file(ended: Ended) -> str:
    for name in ("requirements.txt", "Pipfile", "pyproject.toml"):
        if (ended.folder / name).is_file():
            return name
    return "requirements.txt"


def _node_module(ended: Ended) -> str:
    name = ended.says(r"Cannot find (?:module|package) '([^']+)'")
    if not name:
        return ""
    if name.startswith((".", "/")):
        return f"there is no file {_IMAGE.sub('', name)}, which the command or an import names"
    parts = name.split("/")
    package = "/".join(parts[:2]) if name.startswith("@") else parts[0]
    remedy = f"add {package} to the dependencies of package.json, and commit the lock file"
    return f"the Node package {package} is not installed: {remedy}"


def _missing_file(ended: Ended) -> str:
    name = ended.says(r"can't open file '([^']+)': \[Errno 2\]")
    if not name:
        return ""
    return f"there is no file {Path(name).name}, which the command `{ended.command}` names"


def _missing_script(ended: Ended) -> str:
    name = ended.says(r"[Mm]issing script:? \"?([\w:.-]+)")
    return f"package.json has no script {name}: add it to `scripts`, or name another command" if name else ""


def _too_long(ended: Ended) -> str:
    if "Argument list too long" not in ended.output:
        return ""
    return "its command or config values are too long: Linux takes 128 KiB in each and 2 MiB in all"


def _foreign_program(ended: Ended) -> str:
    if "xec format error" not in ended.output:
        return ""
    for name in ended.names:
        head = ended.head(name)
        if head.startswith(b"\x7fELF"):
            return f"exec format error: {name} is a program for another kind of processor: build it for this machine's"
        if head.startswith((b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")):
            return f"exec format error: {name} is a program for another system: build it for Linux"
    return "exec format error: a program that the command starts is for another system or processor"


def _not_executable(ended: Ended) -> str:
    name = ended.says(_SHELL + "Permission denied")
    if not name or ended.ending.code != _NOT_EXECUTABLE:
        return ""
    remedy = f"`git update-index --chmod=+x {name.removeprefix('./')}`, then commit"
    return f"permission denied: {name} is not executable: {remedy}"


def _not_found(ended: Ended) -> str:
    name = ended.says(_SHELL + "(?:(?:command )?not found|No such file or directory)")
    if not name or ended.ending.code not in {_NOT_EXECUTABLE, _NOT_FOUND}:
        return ""
    if "/" in name:
        first = ended.head(name).partition(b"\n")[0].decode(errors="replace").strip()
        why = f"its first line names a program that is not here: {first}" if first.startswith("#!") else "no such file"
        return f"the command {name} was not found: {why}"
    return f"the command {name} was not found: {_installer(ended)}"


def _installer(ended: Ended) -> str:
    if (ended.folder / "package.json").is_file():
        return "add its package to the dependencies of package.json"
    return f"add its package to {_python_file(ended)}"


def _in_use(ended: Ended) -> str:
    if not IN_USE.search(ended.output):
        return ""
    return "its address is in use: listen at $HOST:$PORT and at no other port, which another app may have"


_CAUSES: tuple[Callable[[Ended], str], ...] = (
    _out_of_memory,
    _too_long,
    _windows_lines,
    _python_library,
    _python_module,
    _node_module,
    _missing_file,
    _missing_script,
    _not_executable,
    _foreign_program,
    _not_found,
    _in_use,
)
