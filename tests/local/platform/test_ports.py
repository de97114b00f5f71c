"""Reservations of ports."""

import socket

from functions.local.ports import port_reservations


def test_a_free_port_is_reserved_once() -> None:
    with port_reservations() as first, port_reservations() as second:
        wanted = first.take(0)
        assert second.take(wanted) != wanted
        first.release()
        assert second.take(wanted) == wanted


def test_a_port_in_use_is_replaced() -> None:
    for address in ("127.0.0.1", ""):
        with port_reservations() as reservations, socket.create_server((address, 0)) as holder:
            taken = holder.getsockname()[1]
            assert reservations.take(taken) != taken
