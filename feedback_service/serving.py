"""How a web process takes its work: gunicorn's threads, but newcomers wait in one line for all processes."""

import select
import selectors
import socket
import time
from functools import partial

from gunicorn.workers.gthread import TConn, ThreadWorker

SILENT_SECONDS = 7  # so long the kernel keeps a connection on which nothing is said: three of its reminders
PATIENCE_SECONDS = 5  # so long we keep it after that
NEXT_MS = 1  # who has just been answered may have more to ask at once


class InTurn(ThreadWorker):
    """Gunicorn's threaded worker, fair in a rush (decision 14).

    Gunicorn's own takes every connection that knocks, and then serves each when its turn comes among all that this
    process happened to take: who came to a busy process waits far longer than who came later to another. This one
    takes no more newcomers in hand than it has threads, or than requests on kept connections; all others wait in the
    listener's queue, which is one for all processes and in order.
    """

    poller: selectors.BaseSelector

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._newcomers: set[TConn] = set()  # in hand, and never before
        self._kept = 0  # requests in hand on connections that were answered before
        for listener in self.sockets:
            if listener.family != socket.AF_UNIX and hasattr(socket, "TCP_DEFER_ACCEPT"):
                # Browsers open connections in advance. Until something is said on them the kernel keeps them.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take newcomers, but only as many as get their fair share."""
        places = max(self.cfg.threads, self._kept)
        super().set_accept_enabled(enabled and len(self._newcomers) < places)

    def enqueue_req(self, conn: TConn) -> None:
        """A request waits for a thread; who says nothing waits without one."""
        if conn.initialized:
            self._kept += 1
            super().enqueue_req(conn)
        elif conn.data_ready or _has_said_something(conn):
            conn.data_ready = True
            self._newcomers.add(conn)
            self.set_accept_enabled(self._accepting)
            super().enqueue_req(conn)
        else:
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + PATIENCE_SECONDS
            self.pending_conns.append(conn)
            speaks = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, speaks)

    def handle(self, conn: TConn) -> object:
        """Answer a request; a newcomer's next one too, if it is there at once.

        Not more, and not for others: on a connection that a proxy keeps, the next request is somebody else's.
        """
        newcomer = not conn.initialized
        result = super().handle(conn)
        if newcomer and result is True and self.alive and _has_said_something(conn, NEXT_MS):
            result = super().handle(conn)
        return result

    def finish_request(self, conn: TConn, fs: object) -> None:
        """The thread is free again."""
        if conn in self._newcomers:
            self._newcomers.remove(conn)
        else:
            self._kept -= 1
        super().finish_request(conn, fs)

    def _cap_keepalive(self, deadline: float) -> None:
        """A process that stops, or whose master died, calls this once its door is shut: it takes all in line."""
        super()._cap_keepalive(deadline)
        for listener in self.sockets:
            before = -1
            while before < self.nr_conns < self.worker_connections:
                before = self.nr_conns
                self.accept(listener)


def _has_said_something(conn: TConn, wait_ms: int = 0) -> bool:
    looking = select.poll()
    looking.register(conn.sock, select.POLLIN)
    return bool(looking.poll(wait_ms))
