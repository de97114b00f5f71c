"""Config variables of apps: which names and sizes a process can have, by the rules of Linux."""

import re
from collections.abc import Mapping

from functions.common.errors import Rejected

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,127}"
_KEY = re.compile(NAME + r"\Z")
_OF_SLIPWAY = re.compile(r"^(PORT\Z|SLIPWAY_)", re.IGNORECASE)
# The platform sets them: with others an app finds neither its programs nor its folder, and nothing reaches it.
OWNED = {
    "PATH": "it leads to the programs of the app and of its dependencies; call another program by its full path",
    "HOME": "it is the folder in which the app may write",
    "HOST": "it is the address at which the web process must listen, together with PORT",
}
MOST_BYTES = 131_072  # MAX_ARG_STRLEN of Linux, for NAME=value with the byte that ends it
# What a variable costs beside its text: a pointer for the program, and in the record of a cluster its encryption.
_COST_BYTES = 100
# Linux takes 2 MiB of all arguments and variables with the usual stack of 8 MiB: the rest is for the command.
MACHINE_BYTES = 1536 * 1024
# A Secret has 1 MiB, and one of them holds all config once more, encrypted, which is a third longer.
CLUSTER_BYTES = 704 * 1024
_NAMED = 3


def check_variable(name: str, value: object) -> None:
    """Raise Rejected naming what no variable of an app can be, never its value; what is None is unset."""
    if not _KEY.match(name):
        msg = f"config key {name!r} is not usable: letters, digits and _, not starting with a digit"
        raise Rejected(msg)
    if value is None:
        return
    if _OF_SLIPWAY.match(name):
        msg = f"config key {name} is set by the platform: choose another name"
        raise Rejected(msg)
    if name in OWNED:
        msg = f"config key {name} is set by the platform: {OWNED[name]}"
        raise Rejected(msg)
    if not isinstance(value, str):
        msg = f"the value of {name} must be a string, or null to unset"
        raise Rejected(msg)
    _check_text(name, value)


def _check_text(name: str, value: str) -> None:
    if "\0" in value:
        msg = f"the value of {name} holds a NUL byte, which no variable can have: encode it, such as in base64"
        raise Rejected(msg)
    try:
        size = size_of(name, value)
    except UnicodeEncodeError as error:
        msg = f"the value of {name} is not valid Unicode text"
        raise Rejected(msg) from error
    if size > MOST_BYTES:
        msg = (
            f"the value of {name} is too long: {name}=... has {size:,} bytes with the one at its end, and Linux takes "
            f"at most {MOST_BYTES:,} in one variable: shorten it, or let the app fetch it"
        )
        raise Rejected(msg)


def size_of(name: str, value: str) -> int:
    """Return the bytes of `NAME=value` with the one that ends it."""
    return len(name) + len(value.encode()) + 2


def check_total(values: Mapping[str, str], *, most: int) -> None:
    """Raise Rejected naming the largest variables when all of them are more than the platform can give a process."""
    sizes = {name: size_of(name, value) for name, value in values.items()}
    total = sum(sizes.values()) + _COST_BYTES * len(sizes)
    if total <= most:
        return
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:_NAMED]
    shown = ", ".join(f"{name} ({sizes[name]:,} bytes)" for name in largest)
    msg = (
        f"config: all {len(sizes)} variables would take {total:,} bytes, each {_COST_BYTES} more than its text, and "
        f"at most {most:,} fit on this platform: unset some; the largest are {shown}"
    )
    raise Rejected(msg)
