"""The way out: every phase of a request ends in time, names and addresses included."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from feedback_service.delivery.transports import https
from feedback_service.delivery.transports.https import HttpsTransport
from tests.support.receiver import SECRET, Receiver

SILENT = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
EVENT = '{"id": "a", "source": "/centres/SN12000007", "sequence": "1"}'


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that does as the contract says."""
    with Receiver() as central:
        yield central


@pytest.fixture
def silent(central: Receiver) -> Iterator[None]:
    """At the receiver's port, addresses that swallow whatever is sent to them."""
    port = int(central.url.rpartition(":")[2])
    with ExitStack() as stack:
        for address in SILENT:
            stack.enter_context(socket.create_server((address, port), backlog=0))
            for _ in range(2):  # now its queue is full
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield


def name_leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What the system's resolver says of any name."""

    def told(_host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", told)


def there(central: Receiver) -> str:
    """The receiver by a name."""
    return central.url.replace("127.0.0.1", "central.example")


def test_addresses_that_swallow_everything_do_not_eat_the_time_of_the_one_that_answers(
    central: Receiver, silent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_leads_to(monkeypatch, *SILENT, "127.0.0.1")
    monkeypatch.setattr(https, "CONNECT_SECONDS", 1.0)

    began = time.monotonic()
    with closing(HttpsTransport(there(central), [SECRET])) as transport:
        reply = transport.send([EVENT])

    assert reply.accepted == {"a"}
    assert time.monotonic() - began < 2


def test_addresses_that_swallow_everything_are_given_up_in_time(
    central: Receiver, silent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_leads_to(monkeypatch, *SILENT)
    monkeypatch.setattr(https, "CONNECT_SECONDS", 1.0)

    began = time.monotonic()
    with closing(HttpsTransport(there(central), [SECRET])) as transport:
        reply = transport.send([EVENT])

    assert (reply.status, reply.failure) == (None, "no answer in time")
    assert time.monotonic() - began < 2


def test_a_resolver_that_hangs_is_not_waited_for(central: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    hung, real = threading.Event(), socket.getaddrinfo

    def hang(*asked: object, **how: object) -> object:
        hung.wait(5)
        return real("127.0.0.1", 9)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(https, "CONNECT_SECONDS", 0.3)

    began = time.monotonic()
    with closing(HttpsTransport(there(central), [SECRET])) as transport:
        reply = transport.send([EVENT])
    hung.set()

    assert (reply.status, reply.failure) == (None, "no answer in time")
    assert time.monotonic() - began < 2


def test_a_name_that_leads_nowhere_is_no_connection(
    central: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with closing(HttpsTransport(there(central), [SECRET])) as transport:
        assert transport.send([EVENT]).failure == "no connection"
