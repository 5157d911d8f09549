"""Who comes first is served first, whichever process has the time; who says nothing holds up nobody."""

import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path

import httpx
import pytest

from tests.support.server import Gunicorn

PROCESSES, THREADS = 2, 4


class Sluggish(Gunicorn):
    """Takes as long as it is asked to, under the service's own gunicorn settings."""

    options: tuple[str, ...] = ("--workers", str(PROCESSES), "--threads", str(THREADS))


class Hurried(Sluggish):
    """Keeps nobody's connection for longer than two seconds."""

    options = (*Sluggish.options, "--keep-alive", "2")


@pytest.fixture
def sluggish(tmp_path: Path) -> Iterator[Sluggish]:
    with Sluggish("tests.support.sluggish:app", tmp_path, "sluggish") as running:
        wait_until_all_serve(running)
        yield running


def test_who_comes_while_one_process_is_busy_is_served_by_the_other(sluggish: Sluggish) -> None:
    all_but_one = PROCESSES * THREADS - 1
    with ThreadPoolExecutor(all_but_one + 12) as people:
        slow = [people.submit(seconds_for, sluggish, "2.5") for _ in range(all_but_one)]
        time.sleep(0.5)
        quick = [people.submit(seconds_for, sluggish, "0.01") for _ in range(12)]

        assert max(one.result() for one in quick) < 1.5
        for one in slow:
            one.result()


kernel_or_not = pytest.mark.parametrize("kept_by_the_kernel", [True, False])


@kernel_or_not
def test_connections_that_say_nothing_hold_up_nobody(sluggish: Sluggish, kept_by_the_kernel: bool) -> None:
    if not kept_by_the_kernel:
        hand_over_at_once(sluggish)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connection(sluggish))

        assert seconds_for(sluggish, "0") < 2


@kernel_or_not
def test_who_begins_to_speak_late_is_heard(sluggish: Sluggish, kept_by_the_kernel: bool) -> None:
    if not kept_by_the_kernel:
        hand_over_at_once(sluggish)
    with connection(sluggish) as link:
        time.sleep(0.5)
        link.sendall(b"GET /0 HTTP/1.1\r\nHost: x\r\n\r\n")

        assert link.recv(100).startswith(b"HTTP/1.1 200")


def test_one_connection_may_ask_as_often_as_it_likes(sluggish: Sluggish) -> None:
    with httpx.Client(base_url=sluggish.url, trust_env=False) as client:
        assert [client.get("/0").text for _ in range(50)] == ["ok"] * 50


def test_requests_sent_before_the_first_is_answered_are_all_answered(sluggish: Sluggish) -> None:
    with connection(sluggish) as link:
        link.sendall(b"GET /0.1 HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        replies = b""
        while replies.count(b"\r\n\r\nok") < 5:
            received = link.recv(4096)
            assert received, replies
            replies += received

    assert replies.count(b"HTTP/1.1 200 OK") == 5


def test_who_asks_many_things_at_once_lets_others_have_their_turn(sluggish: Sluggish) -> None:
    with ExitStack() as stack:
        for _ in range(PROCESSES * THREADS):
            link = stack.enter_context(connection(sluggish))
            link.sendall(b"GET /0.2 HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        time.sleep(0.1)

        assert seconds_for(sluggish, "0") < 2


def test_who_is_asked_to_hang_up_and_does_not_holds_up_nobody(sluggish: Sluggish) -> None:
    with ExitStack() as stack:
        for _ in range(3 * PROCESSES * THREADS):
            link = stack.enter_context(connection(sluggish))
            link.sendall(b"GET /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while link.recv(4096):
                pass

        assert seconds_for(sluggish, "0") < 5


def test_who_is_still_talking_is_not_cut_off(sluggish: Sluggish) -> None:
    with connection(sluggish) as link:
        link.sendall(b"POST /0.2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 40000\r\n\r\n")
        for _ in range(4):  # the second after a reset would fail
            link.sendall(b"x" * 10_000)
            time.sleep(0.1)

        assert answered(link)


def test_a_house_that_was_full_is_open_again_when_guests_have_left(sluggish: Sluggish) -> None:
    for process in sluggish.processes():
        open_files = len(list(Path(f"/proc/{process}/fd").iterdir()))
        resource.prlimit(process, resource.RLIMIT_NOFILE, (open_files + 5, open_files + 5))
    with ExitStack() as stack:
        for _ in range(PROCESSES * 10):
            stack.enter_context(connection(sluggish)).sendall(request("0"))
        time.sleep(1)
        assert 0 < sluggish.log.read_text().count("Nobody else can be let in") < 100

    assert seconds_for(sluggish, "0") < 5


def test_a_full_house_lets_in_who_stands_in_line_before_it_stops(sluggish: Sluggish) -> None:
    for process in sluggish.processes():
        open_files = len(list(Path(f"/proc/{process}/fd").iterdir()))
        resource.prlimit(process, resource.RLIMIT_NOFILE, (open_files + 2, open_files + 2))
    with ExitStack() as stack, ThreadPoolExecutor(1) as meanwhile:
        in_line = [stack.enter_context(connection(sluggish)) for _ in range(12)]
        for one in in_line:
            one.sendall(request("0.1", "Connection: close\r\n"))
        stopped = meanwhile.submit(sluggish.stop)

        for one in in_line:
            assert answered(one)
            one.close()
        stopped.result()
    assert "Nobody else can be let in" in sluggish.log.read_text()


def test_who_is_answered_late_in_a_stop_may_still_talk(sluggish: Sluggish) -> None:
    with connection(sluggish) as link, ThreadPoolExecutor(1) as meanwhile:
        link.sendall(b"POST /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 40000\r\n\r\n")
        time.sleep(0.3)
        stopped = meanwhile.submit(sluggish.stop)
        time.sleep(3)
        for _ in range(4):  # the second after a reset would fail
            link.sendall(b"x" * 10_000)
            time.sleep(0.1)

        assert answered(link)
        link.close()
        stopped.result()


def test_a_stop_with_nobody_inside_is_quick(sluggish: Sluggish) -> None:
    began = time.monotonic()
    sluggish.stop()

    assert time.monotonic() - began < 4


def test_who_waits_for_a_thread_longer_than_connections_are_kept_is_served(tmp_path: Path) -> None:
    with Hurried("tests.support.sluggish:app", tmp_path, "hurried") as running, ExitStack() as stack:
        kept = [stack.enter_context(connection(running)) for _ in range(4)]
        for link in kept:
            assert asked(link, "0")
        busy = [stack.enter_context(connection(running)) for _ in range(PROCESSES * THREADS)]
        for link in busy:
            link.sendall(request("5"))
        time.sleep(0.3)
        for link in kept:
            link.sendall(request("0"))

        assert all(answered(link) for link in kept)


def test_work_comes_to_every_process_in_quiet_hours_too(sluggish: Sluggish) -> None:
    with ThreadPoolExecutor(4) as people:
        served_by = list(people.map(lambda _: reply_to(sluggish, "pid"), range(120)))

    assert min(Counter(served_by).values()) > 12
    assert len(set(served_by)) == PROCESSES


@pytest.mark.parametrize("options", [("--max-requests", "6"), ()], ids=["worn out", "reloaded"])
def test_who_comes_while_processes_are_replaced_is_served(tmp_path: Path, options: tuple[str, ...]) -> None:
    running = Sluggish("tests.support.sluggish:app", tmp_path, "replaced")
    running.options += (*options, "--graceful-timeout", "4")
    with running, ThreadPoolExecutor(60) as people:
        answers = [people.submit(reply_to, running, "0.4") for _ in range(60)]
        if not options:
            time.sleep(0.5)
            running.reload()

        assert [one.result() for one in answers] == ["ok"] * 60


def test_connections_are_closed_that_nobody_uses(sluggish: Sluggish) -> None:
    hand_over_at_once(sluggish)
    with connection(sluggish) as silent, connection(sluggish) as idle:
        silent.settimeout(20)
        assert asked(idle, "0")

        assert silent.recv(1) == idle.recv(1) == b""


def test_a_program_that_gives_up_costs_no_thread(sluggish: Sluggish) -> None:
    for _ in range(2 * PROCESSES * THREADS):
        with connection(sluggish) as link:
            link.sendall(request("exit"))
            while link.recv(4096):
                pass

    assert seconds_for(sluggish, "0") < 5


def test_newcomers_are_served_at_least_half_as_often_as_those_who_keep_their_connection(
    sluggish: Sluggish,
) -> None:
    until = time.monotonic() + 3
    with ThreadPoolExecutor(48) as people:
        staying = [people.submit(answers, sluggish, until, keeps_it=True) for _ in range(32)]
        coming = [people.submit(answers, sluggish, until, keeps_it=False) for _ in range(16)]

        of_one_staying = sum(one.result() for one in staying) / 32
        of_one_coming = sum(one.result() for one in coming) / 16
    assert of_one_coming > of_one_staying / 2


def test_who_stands_in_line_is_served_before_the_service_stops(sluggish: Sluggish) -> None:
    with ExitStack() as stack:
        in_line = [stack.enter_context(connection(sluggish)) for _ in range(24)]
        for one in in_line:
            one.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        sluggish.listener.close()  # else the line would outlive the service, as it does not in production
        sluggish.stop()

        assert [one.recv(100)[:15] for one in in_line] == [b"HTTP/1.1 200 OK"] * 24


def wait_until_all_serve(sluggish: Sluggish) -> None:
    """Every process has answered somebody."""
    serving: set[int] = set()
    with ThreadPoolExecutor(8) as people:
        while len(serving) < PROCESSES:
            serving |= {int(pid) for pid in people.map(lambda _: reply_to(sluggish, "pid"), range(16))}


def seconds_for(sluggish: Sluggish, path: str) -> float:
    """From opening a connection until the answer."""
    began = time.monotonic()
    assert reply_to(sluggish, path) == "ok"
    return time.monotonic() - began


def reply_to(sluggish: Sluggish, path: str) -> str:
    """What is answered on a connection of its own."""
    with connection(sluggish) as link:
        link.settimeout(30)
        link.sendall(request(path, "Connection: close\r\n"))
        reply = b""
        while received := link.recv(4096):
            reply += received
    assert reply.startswith(b"HTTP/1.1 200"), reply
    return reply.partition(b"\r\n\r\n")[2].decode()


def request(path: str, header: str = "") -> bytes:
    """It as bytes."""
    return f"GET /{path} HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode()


def asked(link: socket.socket, path: str) -> bool:
    """Whether this is answered on this connection."""
    link.sendall(request(path))
    return answered(link)


def answered(link: socket.socket) -> bool:
    """Whether what was asked on this connection is answered."""
    reply = b""
    while not reply.endswith(b"\r\n\r\nok") and (received := link.recv(4096)):
        reply += received
    return reply.startswith(b"HTTP/1.1 200")


def answers(sluggish: Sluggish, until: float, *, keeps_it: bool) -> int:
    """How many a person gets who asks without pause, on one connection or each time on a new one."""
    got = 0
    with connection(sluggish) if keeps_it else nullcontext() as kept:
        while time.monotonic() < until:
            with nullcontext(kept) if kept else connection(sluggish) as link:
                got += asked(link, "0.02")
    return got


def hand_over_at_once(sluggish: Sluggish) -> None:
    """The kernel keeps no silent connections, as if it had kept them long enough."""
    sluggish.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 0)


def connection(sluggish: Sluggish) -> socket.socket:
    """A connection on which nothing is said yet."""
    url = httpx.URL(sluggish.url)
    return socket.create_connection((url.host, url.port or 80), timeout=10)
