"""The smallest build backend: a wheel of one module."""

import zipfile
from pathlib import Path

_FILES = {
    "tiny.py": "",
    "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
    "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny-1.dist-info/RECORD": "",
}


def build_wheel(folder: str, *_: object) -> str:
    """Write the wheel into the folder and return its name."""
    with zipfile.ZipFile(Path(folder) / "tiny-1-py3-none-any.whl", "w") as wheel:
        for name, content in _FILES.items():
            wheel.writestr(name, content)
    return "tiny-1-py3-none-any.whl"
