"""The HTTPS transport: a request ends in time, also when names or addresses do not answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from feedback_service.delivery.transports import https
from feedback_service.delivery.transports.https import HttpsTransport
from tests.support.receiver import SECRET, Receiver

SILENT_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
EVENT = '{"id": "a", "source": "/centres/SN12000007", "sequence": "1"}'


@pytest.fixture
def central() -> Iterator[Receiver]:
    """A receiver that keeps the contract."""
    with Receiver() as central:
        yield central


@pytest.fixture
def silent_addresses(central: Receiver) -> Iterator[None]:
    """Open the receiver's port on addresses that never answer."""
    port = int(central.url.rpartition(":")[2])
    with ExitStack() as stack:
        for address in SILENT_ADDRESSES:
            stack.enter_context(socket.create_server((address, port), backlog=0))
            for _ in range(2):  # now its queue is full
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield


def resolve_all_names_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the system's resolver return these addresses for any name."""

    def resolve(_host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def url_with_name(central: Receiver) -> str:
    """Return the receiver's address with a host name."""
    return central.url.replace("127.0.0.1", "central.example")


def test_silent_addresses_leave_time_for_the_one_that_answers(
    central: Receiver, silent_addresses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_all_names_to(monkeypatch, *SILENT_ADDRESSES, "127.0.0.1")
    monkeypatch.setattr(https, "CONNECT_SECONDS", 1.0)

    started_at = time.monotonic()
    with closing(HttpsTransport(url_with_name(central), [SECRET])) as transport:
        reply = transport.send([EVENT])

    assert reply.accepted == {"a"}
    assert time.monotonic() - started_at < len(SILENT_ADDRESSES), "each address had the whole second"


def test_silent_addresses_are_given_up_in_time(
    central: Receiver, silent_addresses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_all_names_to(monkeypatch, *SILENT_ADDRESSES)
    monkeypatch.setattr(https, "CONNECT_SECONDS", 1.0)

    started_at = time.monotonic()
    with closing(HttpsTransport(url_with_name(central), [SECRET])) as transport:
        reply = transport.send([EVENT])

    assert (reply.status, reply.failure) == (None, "no answer in time")
    assert time.monotonic() - started_at < len(SILENT_ADDRESSES), "each address had the whole second"


def test_a_resolver_that_hangs_is_not_waited_for(central: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    released, resolve = threading.Event(), socket.getaddrinfo

    def hang(*_: object, **__: object) -> object:
        released.wait(30)
        return resolve("127.0.0.1", 9)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(https, "CONNECT_SECONDS", 0.3)

    started_at = time.monotonic()
    with closing(HttpsTransport(url_with_name(central), [SECRET])) as transport:
        reply = transport.send([EVENT])
    released.set()

    assert (reply.status, reply.failure) == (None, "no answer in time")
    assert time.monotonic() - started_at < 15, "it waited for the resolver"


def test_a_name_without_an_address_is_no_connection(central: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with closing(HttpsTransport(url_with_name(central), [SECRET])) as transport:
        assert transport.send([EVENT]).failure == "no connection"
