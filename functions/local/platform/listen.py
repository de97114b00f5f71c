"""Opens listening sockets and becomes a program that uses them: `python -I -S listen.py PORT... -- COMMAND...`.

The program finds the sockets as its descriptors 3, 4 and so on. Left alone, Caddy opens new sockets for each
configuration and closes the old ones, which cuts off the connections in their queues. These sockets stay open
for as long as the process lives.
"""

import fcntl
import os
import socket
import sys

FIRST_DESCRIPTOR = 3
_UNUSED_DESCRIPTOR = 64  # above all descriptors that are handed over
_BACKLOG = 4096


def main() -> None:
    """Listen on loopback ports and execute the command."""
    cut = sys.argv.index("--")
    ports, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    sockets = [_listening(int(port)) for port in ports]
    for number, descriptor in enumerate(sockets, FIRST_DESCRIPTOR):
        os.dup2(descriptor, number, inheritable=True)
        os.close(descriptor)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def _listening(port: int) -> int:
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"cannot listen on port {port} of 127.0.0.1: {error.strerror}")
        opened.listen(_BACKLOG)
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _UNUSED_DESCRIPTOR)


if __name__ == "__main__":
    main()
