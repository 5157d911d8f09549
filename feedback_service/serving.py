"""How a web process takes its work: its threads fetch it themselves, newcomers from one queue for all processes."""

import ctypes
import errno
import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

SILENT_SECONDS = 7  # so long the kernel keeps a connection on which nothing is said: three of its reminders
PATIENCE_SECONDS = 5  # so long we keep it after that
LINGER_SECONDS, LINGER_BYTES = 2, 65536  # what is left to a guest who is told to go: to hear it and hang up
NEXT_MS = 1  # who has just been answered may have more to ask at once
M_MMAP_THRESHOLD, LARGE = -3, 128 * 1024  # glibc's malloc.h; bytes, where it begins itself
FULL_HOUSE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Guest(TConn):
    """Who is at the other end of a connection, and how far the talk has come."""

    ahead = False  # more was read than is answered
    leaving = False  # everything is said; the other end is to hang up
    drained = 0  # bytes that came all the same
    timeout: float  # by the monotonic clock: who says nothing until then has to go
    parser: Any  # none before the first request


class InTurn(ThreadWorker):
    """Gunicorn's threaded worker, fair in a rush (decision 14).

    Gunicorn's own takes every connection that knocks, and then serves each when its turn comes among all that this
    process happened to take: who came to a busy process waits far longer than who came later to another. Here a
    thread takes a newcomer when it is free for one; all others wait in the listener's queue, which is one for all
    processes and in order. Nothing is handed from thread to thread: the kernel tells a free one who is ready.
    """

    keepalived_conns: Any  # gunicorn asks how many there are: when it is too many, none is kept any more
    handle_exit, handle_quit = Worker.handle_exit, Worker.handle_quit  # there is no pool to tell

    def init_process(self) -> None:
        """Get ready, in the process that was forked."""
        with suppress(AttributeError):  # where the C library is not glibc
            # An image's memory goes back when it is drawn; else glibc learns from the first to keep it, in each thread.
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
        vars(self.cfg).update((name, setting.get()) for name, setting in self.cfg.settings.items())
        self._ready = select.epoll()
        self._doors = {door.fileno(): (door, door.getsockname()) for door in self.sockets}
        self._present: set[object] = set()  # all guests, and a token for each who is just coming in
        # Those whom no thread serves, by their descriptor. Who takes one out of here has it.
        self._waiting: dict[int, Guest] = {}
        self.keepalived_conns = self._waiting
        super(ThreadWorker, self).init_process()

    def run(self) -> None:
        """Serve until told to stop. The main thread only watches the clock."""
        for number, (door, _) in self._doors.items():
            door.setblocking(False)
            if door.family != socket.AF_UNIX:
                # Browsers open connections in advance. Until something is said on them the kernel keeps them.
                door.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
            self._ready.register(number, select.EPOLLIN)
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._work, daemon=True).start()
        while self.alive and self.is_parent_alive():
            self._watch()
            if select.select([self.PIPE[0]], [], [], 1)[0]:
                os.read(self.PIPE[0], 4096)  # a signal came
        self._stop()

    def _watch(self) -> None:
        """Tell the master that we live, and close whom nobody waits for any longer."""
        self.notify()
        for number in self._doors:  # one may have been shut because the house was full
            self._ready.modify(number, select.EPOLLIN)
        now = time.monotonic()
        for number, guest in list(self._waiting.items()):
            if guest.timeout < now:
                with suppress(OSError, ValueError):  # a thread has just closed it
                    self._look_at(number, guest, now)

    def _look_at(self, number: int, guest: Guest, now: float) -> None:
        """One whose time is over."""
        if not guest.leaving and _has_a_request(guest):
            guest.timeout = max(guest.timeout, now + 1)  # who only waits for a free thread
        elif (taken := self._waiting.pop(number, None)) is guest and guest.timeout < now:
            self._close(guest)
        elif taken is not None:  # it was served meanwhile, or the number is another's by now
            self._let_wait(taken, taken.timeout)

    def _stop(self) -> None:
        """Serve those who stand at the door, others having come to serve them too; then those who are in.

        ``graceful_timeout`` is for both: after half of it the door is shut, whoever stands there.
        """
        self.alive = False
        began = time.monotonic()
        while self._doors or self._present:
            passed = time.monotonic() - began
            if passed > self.cfg.graceful_timeout:
                break
            if passed > self.cfg.graceful_timeout / 2 or not any(
                _readable(door) for door, _ in self._doors.values()
            ):
                doors, self._doors = self._doors, {}
                for number, (door, _) in doors.items():
                    self._ready.unregister(number)
                    door.sock.close()
            for guest in list(self._waiting.values()):
                guest.timeout = min(guest.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self._watch()
            time.sleep(0.02)

    def _work(self) -> None:
        """What a thread does all day."""
        while True:
            [(number, _)] = self._ready.poll(maxevents=1)
            try:
                door = self._doors.get(number)
                guest = self._admitted(*door) if door else self._waiting.pop(number, None)
                while guest and self._serve(guest):
                    # Those who keep their connections are many, the door is one: now it is the door's turn.
                    guest = next(filter(None, (self._admitted(*door) for door in self._doors.values())), None)
            except Exception:  # else there would be a thread less
                self.log.exception("A thread stumbled")

    def _admitted(self, door: Any, name: Any) -> Guest | None:
        """Who stands first at a door, if anybody does."""
        knock = object()
        self._present.add(knock)  # so that no stop overlooks who is just coming in
        try:
            link, address = door.accept()
            guest = Guest(self.cfg, link, address, name)
            guest.data_ready = True  # gunicorn shall not wait for it: see _serve
            self._present.add(guest)
            return guest
        except OSError as error:
            if error.errno in FULL_HOUSE:
                self.log.warning("Nobody else can be let in: %s", errno.errorcode[error.errno])
                self._ready.modify(door.fileno(), 0)  # _watch opens it again
            return None  # else another process was first, or who knocked has gone
        finally:
            self._present.discard(knock)

    def _serve(self, guest: Guest) -> bool:
        """Answer what was asked, if anything was; tells whether that was on a connection kept before and after.

        A newcomer's next request is answered too, if it is there at once. Not more, and not for others: on a
        connection that a proxy keeps, the next request is somebody else's.
        """
        kept = guest.initialized
        try:
            if guest.leaving:
                self._see_out(guest)
                return False
            if not _has_a_request(guest):
                self._let_wait(guest, time.monotonic() + PATIENCE_SECONDS)
                return False
            goes_on = self._answer(guest)
            if goes_on and not kept and self.alive and _has_a_request(guest, NEXT_MS):
                goes_on = self._answer(guest)
            if goes_on:
                self._let_wait(guest, time.monotonic() + self.cfg.keepalive)
            else:
                self._hang_up(guest)
            return kept and goes_on
        except BaseException:  # gunicorn has answered for what it can; the thread is needed
            self.log.exception("Connection dropped")
            self._close(guest)
            return False

    def _answer(self, guest: Guest) -> bool:
        """One request; tells whether more may come on this connection."""
        goes_on = bool(self.handle(guest))
        guest.ahead = goes_on and bool(guest.parser.unreader.buf.getvalue() or _deciphered(guest))
        return goes_on

    def _let_wait(self, guest: Guest, until: float) -> None:
        """Some thread serves this guest when something is said, or in turn if that is read already."""
        if len(self._waiting) >= self.worker_connections:
            self._close(guest)
            return
        guest.timeout = until if self.alive else min(until, time.monotonic() + STOP_KEEPALIVE_LINGER)
        number = guest.sock.fileno()
        self._waiting[number] = guest
        # Most can be written to, and so are ready at once, behind all who are.
        wakes = select.EPOLLONESHOT | select.EPOLLIN | (select.EPOLLOUT if guest.ahead else 0)
        try:
            self._ready.register(number, wakes)
        except FileExistsError:
            self._ready.modify(number, wakes)

    def _hang_up(self, guest: Guest) -> None:
        """Say that no more comes; who closes with something unread would take the last words back (RFC 9112, 9.6)."""
        try:
            guest.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(guest)
        else:
            guest.leaving, guest.timeout = True, time.monotonic() + LINGER_SECONDS
            self._see_out(guest)

    def _see_out(self, guest: Guest) -> None:
        """Close it if the other end has hung up, or will not; else some thread looks again."""
        try:
            heard = len(guest.sock.recv(LINGER_BYTES, socket.MSG_DONTWAIT))
            guest.drained += heard
            stays = heard > 0 and guest.drained < LINGER_BYTES
        except BlockingIOError:
            stays = True
        except OSError:
            stays = False
        if stays and time.monotonic() < guest.timeout:
            self._let_wait(guest, guest.timeout)
        else:
            self._close(guest)

    def _close(self, guest: Guest) -> None:
        number = guest.sock.fileno()
        if self._waiting.get(number) is guest:  # it was to wait, and could not
            del self._waiting[number]
        self._present.discard(guest)
        guest.close()


def _has_a_request(guest: Guest, wait_ms: int = 0) -> bool:
    return guest.ahead or _readable(guest.sock, wait_ms)


def _readable(link: socket.socket, wait_ms: int = 0) -> bool:
    looking = select.poll()
    looking.register(link, select.POLLIN)
    return bool(looking.poll(wait_ms))


def _deciphered(guest: Guest) -> int:
    """Bytes that TLS has read and nobody has asked for."""
    return int(getattr(guest.sock, "pending", int)())
