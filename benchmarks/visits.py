"""Many people answer at once: each opens one connection, looks at the form and sends it filled in.

The client is a bare socket, so that on shared cores it takes little from the servers it measures.
"""

import socket
import statistics
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.serving import Served

ANSWERS = {
    "off.nps": "9",
    "off.premises": "great",
    "off.services": "good",
    "off.staff": "great",
    "off.quality": "good",
    "off.process": "acceptable",
    "any.reasons": ["queue", "seats"],
    "any.breach": "none",
    "any.comment": "Дякую, усе добре, але довелося чекати майже годину.",
}
TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of visits cost."""

    per_second: float
    cpu_ms: float  # of all server processes, for one visit
    p50_ms: float  # of a whole visit
    p99_ms: float
    slowest_ms: float
    send_p99_ms: float  # of the sending alone, from the filled-in form to the thanks


def measure(served: Served, paths: Sequence[str], clients: int) -> Round:
    """Visit each path, ``clients`` people at a time. Raises ``RuntimeError`` if a visit is refused."""
    waiting = iter(paths)  # next() on a list's iterator is atomic, so threads may share it
    cpu, began = served.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as people:
        taken = [ms for one in people.map(_visitor, [(served.port, waiting)] * clients) for ms in one]
    seconds = time.perf_counter() - began
    whole, sending = zip(*taken, strict=True)
    percentiles = statistics.quantiles(whole, n=100)
    return Round(
        per_second=len(taken) / seconds,
        cpu_ms=(served.cpu_seconds() - cpu) / len(taken) * 1000,
        p50_ms=percentiles[49],
        p99_ms=percentiles[98],
        slowest_ms=max(whole),
        send_p99_ms=statistics.quantiles(sending, n=100)[98],
    )


def _visitor(where: tuple[int, Iterator[str]]) -> list[tuple[float, float]]:
    port, paths = where
    return [_visit(port, path) for path in paths]


def _visit(port: int, path: str) -> tuple[float, float]:
    """Make one visit; return the milliseconds to the thanks: from the first packet, and from sending the form."""
    form = urlencode(ANSWERS | {"client_id": str(uuid.uuid4()), "rest": "1", "finish": "1"}, doseq=True)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send_request(link, "GET", path, {"Accept-Encoding": "gzip"}, b"", 200)
        filled_in = time.perf_counter()
        send_request(link, "POST", path, {"Accept-Encoding": "gzip", "Content-Type": TYPE}, form.encode(), 303)
    thanked = time.perf_counter()
    return (thanked - began) * 1000, (thanked - filled_in) * 1000


def send_request(
    link: socket.socket, method: str, path: str, headers: Mapping[str, str], body: bytes, expected: int
) -> bytes:
    """Send one request on an open connection and return the body of the reply."""
    lines = {"Host": "localhost", "Content-Length": str(len(body))} | dict(headers)
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    link.sendall(head.encode() + b"\r\n" + body)
    got = b""
    while (end := got.find(b"\r\n\r\n")) < 0:
        got += _more(link)
    answered = got[:end].decode("latin-1").lower()
    length = int(answered.partition("content-length: ")[2].partition("\r\n")[0])
    while len(got) < end + 4 + length:
        got += _more(link)
    if int(answered.split(" ", 2)[1]) != expected:
        raise RuntimeError(f"{method} {path}: {answered} {got[end:].decode(errors='replace')[:2000]}")
    return got[end + 4 :]


def _more(link: socket.socket) -> bytes:
    received = link.recv(65536)
    if not received:
        raise RuntimeError("the server hung up")
    return received
