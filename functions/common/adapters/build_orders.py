"""The checks of every builder before a build."""

import re

from functions.common.domain.build import BuildOrder
from functions.common.errors import Rejected

_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_SHA = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})\Z")


def check_order(order: BuildOrder) -> None:
    """Raise Rejected when the order can never be built."""
    if not _NAME.match(order.name):
        msg = f"build name {order.name!r} is not usable: it must be a DNS label"
        raise Rejected(msg)
    if not _SHA.match(order.sha):
        msg = f"commit {order.sha!r} cannot be built: give the full sha, 40 or 64 hexadecimal digits"
        raise Rejected(msg)
    if not order.clone_url or order.clone_url.startswith("-"):
        msg = f"build {order.name} has no usable clone URL: set the app's git URL"
        raise Rejected(msg)
    if not order.ref.startswith("refs/"):
        msg = f"build {order.name} has the ref {order.ref!r}: it must start with refs/"
        raise Rejected(msg)
