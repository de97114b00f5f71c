"""Asks OSV for known vulnerabilities of the pinned packages, by `uv audit`: part of `task check:static`.

It fails with the id of the advisory and the versions that mend it. Where the service cannot be reached it says so, and
passes: a machine without a network must be able to check the rest. Advisories that do not concern Slipway are listed
with their reason in pyproject.toml, `[tool.slipway.advisories]`.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

LOCKS = ("requirements.lock", "bootstrap.lock")  # that of the image is a part of the first one
SERVICE = "https://api.osv.dev/"
UV = Path(sys.executable).parent / "uv"
CLEAN, VULNERABLE, BROKEN = 0, 1, 2  # exit codes of uv: nothing is known; something is; it could not look
_SECONDS = 300
_PIN = re.compile(r"[A-Za-z0-9._-]+==[^\s;\\]+(?: *;[^\\]+)?")
_NO_REQUIREMENT = (" ", "#", "\n")  # how lines begin that continue a requirement or say something about it
# Of uv's HTTP client: no name, no connection, no answer, or one of a service that is down.
_UNREACHABLE = re.compile(r"error sending request|dns error|operation timed out|HTTP status server error")


def pins(lock: str) -> list[str]:
    """Return the requirements of a lock, without their hashes. Raises ValueError for one that is no pin."""
    found = list[str]()
    for line in lock.splitlines(keepends=True):
        if not line.startswith(_NO_REQUIREMENT):
            match = _PIN.match(line)
            if not match:
                msg = f"{line.strip()!r} is not of the form NAME==VERSION"
                raise ValueError(msg)
            found.append(match[0].strip())
    return found


def ignored_advisories(pyproject: str) -> dict[str, str]:
    """Return the ids of ignored advisories and why each is. Raises ValueError for one without a reason."""
    found: dict[str, str] = tomllib.loads(pyproject).get("tool", {}).get("slipway", {}).get("advisories", {})
    if bare := [one for one, reason in found.items() if not str(reason).strip()]:
        msg = f"say why in pyproject.toml: {', '.join(bare)}"
        raise ValueError(msg)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisories:
    """What a service knows of packages; `options` are further ones of uv."""

    service: str = SERVICE
    ignored: Mapping[str, str]
    options: Sequence[str] = ()

    def check(self, requirements: Sequence[str]) -> tuple[int, str]:
        """Return the exit code of the check, and what to print."""
        code, said = self._audit(requirements)
        if code == BROKEN and _UNREACHABLE.search(said):
            return CLEAN, f"not checked for known vulnerabilities: no network to {self.service}"
        return code, said

    def _audit(self, requirements: Sequence[str]) -> tuple[int, str]:
        listed = "\n".join(f"#   {one!r}," for one in requirements)
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "pinned.py"
            script.write_text(f'# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n{listed}\n# ]\n# ///\n')
            ignore = [word for one in self.ignored for word in ("--ignore", one)]
            command = [str(UV), "audit", "--quiet", "--preview-features", "audit-command", *self.options, *ignore]
            command += ["--service-url", self.service, "--script", str(script)]
            environment = {**os.environ, "UV_HTTP_RETRIES": "1"}  # noqa: TID251 - of uv
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        return ran.returncode, (ran.stdout + ran.stderr).strip()


def main() -> int:
    """Check all locks, print what is known, and return the exit code."""
    ignored = ignored_advisories((ROOT / "pyproject.toml").read_text())
    requirements = sorted({one for lock in LOCKS for one in pins((ROOT / lock).read_text())})
    code, said = Advisories(ignored=ignored).check(requirements)
    print(said or f"no known vulnerability in {len(requirements)} packages")
    return code


if __name__ == "__main__":
    sys.exit(main())
