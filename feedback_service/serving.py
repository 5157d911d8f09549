"""How a web process takes its work: its threads fetch it themselves, newcomers from one line for all processes."""

import errno
import os
import select
import socket
import threading
import time
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

SILENT_SECONDS = 7  # so long the kernel keeps a connection on which nothing is said: three of its reminders
PATIENCE_SECONDS = 5  # so long we keep it after that
LINGER_SECONDS = 2  # so long who is told that the connection ends may take to read it and hang up
NEXT_MS = 1  # who has just been answered may have more to ask at once
FULL_HOUSE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Line(TConn):
    """A connection, and how far its talk has come."""

    ahead = False  # more was read from it than is answered
    leaving = False  # everything is said; its other end is to hang up
    timeout: float  # by the monotonic clock, when nobody waits for it any longer
    parser: Any  # none before its first request


class InTurn(ThreadWorker):
    """Gunicorn's threaded worker, fair in a rush (decision 14).

    Gunicorn's own takes every connection that knocks, and then serves each when its turn comes among all that this
    process happened to take: who came to a busy process waits far longer than who came later to another. Here a
    thread takes a newcomer when it is free for one; all others wait in the listener's queue, which is one for all
    processes and in order. Nothing is handed from thread to thread: the kernel wakes one for whoever is ready.
    """

    keepalived_conns: Any  # gunicorn asks how many they are: when all are there, no more connections are kept

    def init_process(self) -> None:
        """Get ready, in the process that was forked."""
        self._ready = select.epoll()
        self._doors = {listener.fileno(): listener for listener in self.sockets}
        self._present: set[Line] = set()
        # Those that no thread has, by their descriptor. Whoever takes one out of here has it.
        self._parked: dict[int, Line] = {}
        self.keepalived_conns = self._parked
        vars(self.cfg).update((name, setting.get()) for name, setting in self.cfg.settings.items())
        super().init_process()

    def get_thread_pool(self) -> None:
        """None: the threads have no master."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop in order: the main thread sees it at once."""
        self.alive = False

    def handle_quit(self, sig: int, frame: object) -> None:
        """Stop at once."""
        super(ThreadWorker, self).handle_quit(sig, frame)

    def run(self) -> None:
        """Serve until told to stop; the main thread only watches the clock."""
        for door, listener in self._doors.items():
            listener.setblocking(False)
            if listener.family != socket.AF_UNIX:
                # Browsers open connections in advance. Until something is said on them the kernel keeps them.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
            self._ready.register(door, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._work, daemon=True).start()
        while self.alive and self.is_parent_alive():
            self._watch(time.monotonic())
            if select.select([self.PIPE[0]], [], [], 1)[0]:
                os.read(self.PIPE[0], 4096)  # a signal came
        self._stop()

    def _watch(self, now: float) -> None:
        """Tell the master that we live, and close whom nobody waits for any longer."""
        self.notify()
        for descriptor, line in list(self._parked.items()):
            if line.timeout < now and self._parked.pop(descriptor, None) is not None:
                self._close(line)

    def _stop(self) -> None:
        """Shut the door behind all who stand in line, and serve them for as long as ``graceful_timeout`` says."""
        self.alive = False
        doors, self._doors = self._doors, {}
        now = time.monotonic()
        ends = now + self.cfg.graceful_timeout
        for line in list(self._parked.values()):
            line.timeout = min(line.timeout, now + STOP_KEEPALIVE_LINGER)
        for door, listener in doors.items():
            self._ready.unregister(door)
            while len(self._present) < self.worker_connections and (newcomer := self._admitted(listener)):
                self._park(newcomer, ends)
            listener.close()
        while self._present and now < ends:
            self._watch(now)
            time.sleep(0.02)
            now = time.monotonic()

    def _work(self) -> None:
        """What a thread does all day: serve whoever is ready, the longest waiting first."""
        while True:
            [(descriptor, _)] = self._ready.poll(maxevents=1)
            door = self._doors.get(descriptor)
            line = self._admitted(door) if door else self._parked.pop(descriptor, None)
            while line and self._serve(line):
                line = self._newcomer()  # else those who keep their connections would leave no turn to others

    def _newcomer(self) -> Line | None:
        return next(filter(None, map(self._admitted, self._doors.values())), None)

    def _admitted(self, door: socket.socket) -> Line | None:
        """Who stands first at a door, if anybody does."""
        try:
            end, address = door.accept()
            line = Line(self.cfg, end, address, door.getsockname())
        except OSError as error:
            if error.errno in FULL_HOUSE:
                self.log.warning("nobody can be let in")
                time.sleep(1)
            return None  # another process was first, or who knocked has gone
        line.data_ready = True  # gunicorn shall not wait for it: see _serve
        self._present.add(line)
        return line

    def _serve(self, line: Line) -> bool:
        """Answer what was asked, if anything was; tells whether that was on a connection kept before and after.

        A newcomer's next request is answered too, if it is there at once. Not more, and not for others: on a
        connection that a proxy keeps, the next request is somebody else's.
        """
        kept = line.initialized
        try:
            if line.leaving:
                self._see_out(line)
                return False
            if not (line.ahead or _said_something(line)):
                self._let_wait(line)
                return False
            goes_on = self._answer(line)
            if goes_on and not kept and self.alive and (line.ahead or _said_something(line, NEXT_MS)):
                goes_on = self._answer(line)
            if goes_on:
                self._park(line, time.monotonic() + self.cfg.keepalive)
            else:
                self._hang_up(line)
        except (Exception, SystemExit):  # gunicorn has answered for what it can; the thread is needed
            self.log.exception("Connection dropped")
            self._close(line)
            return False
        return kept and goes_on

    def _answer(self, line: Line) -> bool:
        """One request; tells whether more may come on this connection."""
        goes_on = bool(self.handle(line))
        line.ahead = goes_on and bool(line.parser.unreader.buf.getvalue())
        return goes_on

    def _let_wait(self, line: Line) -> None:
        """Nothing is said: let go of it until something is, unless too many are kept so."""
        if len(self._parked) < self.max_keepalived:
            self._park(line, time.monotonic() + PATIENCE_SECONDS)
        else:
            self._close(line)

    def _park(self, line: Line, until: float) -> None:
        """Some thread has it when something is said on it, or in its turn if that is read already."""
        line.timeout = until
        descriptor = line.sock.fileno()
        self._parked[descriptor] = line
        # Any connection can be written to at once: so it is ready, behind all that are.
        wakes = select.EPOLLONESHOT | select.EPOLLIN | (select.EPOLLOUT if line.ahead else 0)
        try:
            self._ready.register(descriptor, wakes)
        except FileExistsError:
            self._ready.modify(descriptor, wakes)

    def _hang_up(self, line: Line) -> None:
        """Say that no more comes; who closes with something unread would take the last words back (RFC 9112, 9.6)."""
        try:
            line.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(line)
        else:
            line.leaving, line.timeout = True, time.monotonic() + LINGER_SECONDS
            self._see_out(line)

    def _see_out(self, line: Line) -> None:
        """Close it if the other end has hung up; else some thread looks again."""
        try:
            heard = line.sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            heard = b"nothing yet"
        except OSError:
            heard = b""
        if heard:
            self._park(line, line.timeout)
        else:
            self._close(line)

    def _close(self, line: Line) -> None:
        self._present.discard(line)
        line.close()


def _said_something(line: Line, wait_ms: int = 0) -> bool:
    looking = select.poll()
    looking.register(line.sock, select.POLLIN)
    return bool(looking.poll(wait_ms))
