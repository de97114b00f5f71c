"""On a full disk the platform refuses what it cannot store, and continues when there is room."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.local.platform.programs import CODE
from tests.patience import patient

_MOUNT = 'mount -t tmpfs -o size=300m,mode=711 none "$0" && exec "$@"'


def on_a_small_disk(folder: Path, *command: str) -> list[str]:
    """Return a command that runs another one in a mount namespace where the folder is a disk of 300 MB."""
    if os.getuid() == 0:
        return ["unshare", "--mount", "sh", "-c", _MOUNT, str(folder), *command]
    # Mounting needs root, which any user may be in a namespace; PostgreSQL needs another user: back to this one.
    back = ["unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(folder), *back, *command]


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="sw-") as name:
        Path(name).chmod(0o711)
        try:
            subprocess.run(on_a_small_disk(Path(name), "true"), check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this machine allows no mount in a namespace of one's own")
        yield Path(name)


def test_the_platform_survives_a_full_disk_and_the_death_of_its_programs_on_it(folder: Path) -> None:
    command = on_a_small_disk(folder, sys.executable, "-m", "tests.local.platform.full_disk", str(folder))
    environment = {"PATH": os.defpath, "PYTHONPATH": str(CODE), "HOME": str(folder)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("SLIPWAY_TEST_")}  # noqa: TID251
    ran = subprocess.run(
        command, cwd=CODE, env=environment, capture_output=True, text=True, check=False, timeout=patient(280)
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nats is restarted, because it is unhealthy: " in ran.stdout
