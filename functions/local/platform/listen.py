"""Listens for a program that it then becomes: `python -I -S listen.py PORT... -- COMMAND...`.

The program finds the listening sockets as its descriptors 3, 4 and so on. Caddy on its own opens
new sockets for each configuration, and whoever waits in an old one's queue is cut off when that is closed;
these stay open for as long as the process lives.
"""

import fcntl
import os
import socket
import sys

FIRST = 3
_ABOVE = 64  # out of the way of the descriptors that are given away
_QUEUE = 4096


def main() -> None:
    """Bind loopback ports and become the command."""
    cut = sys.argv.index("--")
    ports, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    waiting = [_listening(int(port)) for port in ports]
    for number, descriptor in enumerate(waiting, FIRST):
        os.dup2(descriptor, number, inheritable=True)
        os.close(descriptor)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def _listening(port: int) -> int:
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"port {port} of 127.0.0.1 cannot be taken: {error.strerror}")
        opened.listen(_QUEUE)
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _ABOVE)


if __name__ == "__main__":
    main()
