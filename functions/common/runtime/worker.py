"""The process that answers a function's requests: gunicorn's threaded worker, for starts from zero."""

import threading
from wsgiref.util import setup_testing_defaults

from gunicorn.workers.gthread import TConn, ThreadWorker

from functions.common.runtime.http import HEALTH_PATH
from functions.common.runtime.one_piece import OnePieceSocket

HEAD_START_SECONDS = 0.1  # for whoever has asked already: to compose beside his request would only slow that down


class FunctionWorker(ThreadWorker):
    """Asks itself for its health as soon as it runs, and sends every answer in one piece.

    A function composes itself when it is first asked. The kubelet asks up to a second after the start, and the event
    that woke the function comes right behind: until then there is nothing else to do.
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

    def _compose(self) -> None:
        request = {"PATH_INFO": HEALTH_PATH}
        setup_testing_defaults(request)
        answer = self.wsgi(request, lambda *_: None)
        answer.close()
