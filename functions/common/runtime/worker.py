"""The process that answers a function's requests: gunicorn's threaded worker, for starts from zero."""

import select
import threading
from wsgiref.util import setup_testing_defaults

from gunicorn.workers.gthread import TConn, ThreadWorker

from functions.common.runtime.http import HEALTH_PATH
from functions.common.runtime.one_piece import OnePieceSocket

HEAD_START_SECONDS = 0.1  # for whoever has asked already: to compose beside his request would only slow that down
STAY_MILLISECONDS = 5  # a busy client's next request is there by then


class FunctionWorker(ThreadWorker):
    """Asks itself for its health as soon as it runs, sends answers in one piece, and stays with a busy connection.

    A function composes itself when it is first asked. The kubelet asks up to a second after the start, and the event
    that woke the function comes right behind: until then there is nothing else to do.

    Gunicorn hands a kept connection from its thread to the poller and back to a thread between any two requests. All
    threads share one interpreter, so that a busy function spent a sixth of its time on it.
    """

    def run(self) -> None:
        """Serve until it is stopped."""
        composing = threading.Timer(HEAD_START_SECONDS, self._compose)
        composing.daemon = True
        composing.start()
        super().run()  # type: ignore[no-untyped-call] # gunicorn's is

    def enqueue_req(self, conn: TConn) -> None:
        """Hand a connection with a request over to a thread."""
        if not isinstance(conn.sock, OnePieceSocket):
            conn.sock = OnePieceSocket.of(conn.sock)
        super().enqueue_req(conn)  # type: ignore[no-untyped-call] # gunicorn's is

    def handle(self, conn: TConn) -> object:
        """Answer a request, and those that follow at once on its connection; return whether it is to be kept."""
        kept = self._answered(conn)
        while kept is True and self._may_stay(conn) and _asks_again(conn):
            kept = self._answered(conn)
        return kept

    def _answered(self, conn: TConn) -> object:
        kept: object = super().handle(conn)  # type: ignore[no-untyped-call] # gunicorn's is
        conn.sock.flush()  # an answer to HEAD announces a body and has none
        return kept

    def _may_stay(self, conn: TConn) -> bool:
        """Return whether no other connection waits for this thread, nor the process for its end."""
        in_threads = self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns)
        # Gunicorn sees to what came together with this request: the connection will not tell of it.
        is_read_ahead = conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())
        return bool(self.alive) and in_threads <= self.cfg.threads and not is_read_ahead

    def _compose(self) -> None:
        request = {"PATH_INFO": HEALTH_PATH}
        setup_testing_defaults(request)
        answer = self.wsgi(request, lambda *_: None)
        answer.close()


def _asks_again(conn: TConn) -> bool:
    waiting = select.poll()
    waiting.register(conn.sock, select.POLLIN)
    return bool(waiting.poll(STAY_MILLISECONDS))
