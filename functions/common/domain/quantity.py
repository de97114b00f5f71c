"""Quantities of CPU and memory, as Kubernetes writes them."""

import re
from math import ceil

from functions.common.errors import Rejected

_CPU = re.compile(r"^(?:([1-9][0-9]{0,5})m|([0-9]{1,3})(?:\.([0-9]{1,3}))?)\Z")
_MEMORY = re.compile(r"^([1-9][0-9]{0,6})(Ki|Mi|Gi|k|M|G)?\Z")
_UNITS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}
_MILLI = 1000
_CORES = (10, 128 * _MILLI)
_BYTES = (32 * 1024**2, 1024**4)


def checked_cpu(text: str) -> str:
    """Return a quantity of CPU such as 500m or 1.5; empty for none. Raises Rejected."""
    if text and not _CORES[0] <= _milli_of(text) <= _CORES[1]:
        msg = "cpu: give cores such as 500m or 1.5, from 10m to 128"
        raise Rejected(msg)
    return text


def checked_memory(text: str) -> str:
    """Return a quantity of memory such as 512Mi or 2Gi; empty for none. Raises Rejected."""
    if text and not _BYTES[0] <= bytes_of(text) <= _BYTES[1]:
        msg = "memory: give an amount such as 512Mi or 2Gi, from 32Mi to 1024Gi"
        raise Rejected(msg)
    return text


def cores_of(cpu: str) -> int:
    """Return a quantity of CPU in whole cores, rounded up; 0 for none."""
    return ceil(_milli_of(cpu) / _MILLI)


def bytes_of(memory: str) -> int:
    """Return a quantity of memory in bytes; 0 for none, or for a text that is no quantity."""
    found = _MEMORY.match(memory)
    return int(found[1]) * _UNITS[found[2] or ""] if found else 0


def _milli_of(cpu: str) -> int:
    found = _CPU.match(cpu)
    if not found:
        return 0
    milli, whole, part = found.groups()
    return int(milli) if milli else int(whole) * _MILLI + int((part or "").ljust(3, "0"))
