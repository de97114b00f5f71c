"""A time limit on a plain connection that the system keeps.

Python's own limit polls before each call, and lets the interpreter go for that too: in a busy moment all other threads
have it first. Not for TLS, which takes the end of such a limit for a reason to try again.
"""

import socket
import struct


def limit_in_kernel(wire: socket.socket, seconds: float) -> None:
    """Let no call on the connection take longer than this; one that would ends with BlockingIOError."""
    wire.settimeout(None)
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))  # a timeval, see socket(7)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        wire.setsockopt(socket.SOL_SOCKET, option, limit)
