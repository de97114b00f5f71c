"""How tests of the platform isolate builds and apps on this machine."""

import functools
import tempfile
from pathlib import Path

from functions.common.errors import Rejected
from functions.common.settings import Settings
from functions.local.sandbox.isolation import detect


def sandbox_settings(home: Path) -> dict[str, str]:
    """Return the settings for a platform in this folder: `off` where it would refuse to run apps as root."""
    if _has_namespaces():
        return {}
    home.mkdir(parents=True, exist_ok=True)
    try:
        detect(Settings(environment={"SLIPWAY_LOCAL_HOME": str(home)}))
    except Rejected:
        return {"SLIPWAY_SANDBOX": "off"}
    return {}


@functools.cache
def _has_namespaces() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return detect(Settings(environment={"SLIPWAY_LOCAL_HOME": folder})).kind == "namespaces"
        except Rejected:
            return False
