"""How a web process takes its work: gunicorn's threads, but people are served in the order in which they came."""

import select
import socket
from concurrent.futures import Future

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

SILENT_SECONDS = 10  # so long the kernel keeps a connection on which nothing is said
NEXT_MS = 1  # who has just been answered may have more to ask at once


class InTurn(ThreadWorker):
    """Gunicorn's threaded worker, fair in a rush (decision 14).

    Gunicorn's own takes every connection that knocks, and then serves each when its turn comes among all that this
    process happened to take: who came to a busy process waits far longer than who came later to another. This one
    takes no more new connections than it has threads; all others wait in the listener's queue, which is one for all
    processes and in order.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._new: set[TConn] = set()  # connections whose first request is not answered yet
        for listener in self.sockets:
            if listener.family != socket.AF_UNIX:
                # Browsers open connections in advance. Until something is said on them the kernel keeps them.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections, but only while there is a thread for each."""
        super().set_accept_enabled(enabled and len(self._new) < self.cfg.threads)

    def enqueue_req(self, conn: TConn) -> None:
        """A request waits for a thread; who says nothing waits without one."""
        if conn.initialized:
            super().enqueue_req(conn)
        elif conn.data_ready or _has_said_something(conn):
            conn.data_ready = True
            self._new.add(conn)
            self.set_accept_enabled(self._accepting)
            super().enqueue_req(conn)
        else:
            put_off: Future[object] = Future()
            put_off.set_result(_DEFER)
            super().finish_request(conn, put_off)

    def handle(self, conn: TConn) -> object:
        """Answer a request, and the one after it if that is there at once.

        Not more: whoever has a lot to ask shall not keep the thread for ever.
        """
        result = super().handle(conn)
        if result is True and self.alive and _has_said_something(conn, NEXT_MS):
            result = super().handle(conn)
        return result

    def finish_request(self, conn: TConn, fs: object) -> None:
        """A request is answered; the thread is free again."""
        self._new.discard(conn)
        super().finish_request(conn, fs)


def _has_said_something(conn: TConn, wait_ms: int = 0) -> bool:
    looking = select.poll()
    looking.register(conn.sock, select.POLLIN)
    return bool(looking.poll(wait_ms))
