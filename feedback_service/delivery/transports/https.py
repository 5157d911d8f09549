"""Sends events by HTTPS: one signed POST request, limited in time; redirects are not followed.

It uses httpcore, the lower layer of httpx, which knows no redirects, cookies or proxies from the environment, and
lets us limit the time of the whole exchange. A time-out for each read is not enough: a server that sends one byte a
second never exceeds it.
"""

import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore

from feedback_service import clock
from feedback_service.delivery import retry_policy, webhook_signature
from feedback_service.delivery.retry_policy import ReceiverReply

# ``retry_policy.REQUEST_LIMIT`` limits all of them together.
CONNECT_SECONDS, WRITE_SECONDS, READ_SECONDS, POOL_SECONDS = 3.0, 5.0, 8.0, 1.0
LONGEST_REPLY = 1024 * 1024  # bytes
KEEPALIVE_SECONDS = 4.0  # how long an unused connection is kept open
MEDIA_TYPE = "application/cloudevents-batch+json; charset=utf-8"


class HttpsTransport:
    """Sends to ``{url}/events`` over one connection that is kept open; for use by one thread."""

    def __init__(self, url: str, secrets: Sequence[bytes]) -> None:
        self._url = f"{url}/events"
        self._secrets = secrets
        self._network = _DeadlineNetwork()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=1,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=self._network,
        )

    def send(self, bodies: Sequence[str]) -> ReceiverReply:
        """Send events and return the outcome, within ``retry_policy.REQUEST_LIMIT``."""
        content = f"[{','.join(bodies)}]".encode()
        now = clock.now()
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Accept": "application/json",
            "User-Agent": "vidhuk",
            **webhook_signature.sign_request(f"msg_{uuid.uuid4().hex}", now, content, self._secrets),
        }
        self._network.deadline = time.monotonic() + retry_policy.REQUEST_LIMIT.total_seconds()
        try:
            status, reply_headers, body = self._post_events(content, headers)
        except (httpcore.TimeoutException, TimeoutError):
            return ReceiverReply(None, "no answer in time")
        except httpcore.ConnectError as error:
            return ReceiverReply(None, "no trusted connection" if _is_tls_error(error) else "no connection")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError):
            return ReceiverReply(None, "the connection broke")
        return retry_policy.parse_reply(status, reply_headers, body, now=clock.now())

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _post_events(self, content: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes | None]:
        timeouts = {
            "connect": CONNECT_SECONDS,
            "write": WRITE_SECONDS,
            "read": READ_SECONDS,
            "pool": POOL_SECONDS,
        }
        request_headers: list[tuple[bytes | str, bytes | str]] = [*headers.items()]
        with self._pool.stream(
            "POST", self._url, headers=request_headers, content=content, extensions={"timeout": timeouts}
        ) as response:
            reply_headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return response.status, reply_headers, _read_body(response)


def _read_body(response: httpcore.Response) -> bytes | None:
    """Read the body; ``None`` if it is longer than ``LONGEST_REPLY``."""
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > LONGEST_REPLY:
            return None
    return bytes(body)


def _is_tls_error(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _resolve_host(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host; raise a time-out after so many seconds, which the system's resolver does not."""
    addresses: list[str] = []

    def resolve() -> None:
        with suppress(OSError, UnicodeError):
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses.extend(dict.fromkeys(str(info[4][0]) for info in infos))

    resolver = threading.Thread(target=resolve, name="resolver", daemon=True)
    resolver.start()
    resolver.join(seconds)
    if resolver.is_alive():
        raise httpcore.ConnectTimeout()
    return addresses


class _DeadlineNetwork(httpcore.NetworkBackend):
    """A network on which every operation ends at ``deadline`` (monotonic clock) at the latest."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self._network = httpcore.SyncBackend()

    def seconds_left(self, allowed: float | None) -> float:
        """Return how many of the allowed seconds are left before the deadline; raise a time-out if none."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout()
        return remaining if allowed is None else min(allowed, remaining)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        until = time.monotonic() + self.seconds_left(timeout)
        addresses = _resolve_host(host, port, until - time.monotonic())
        failure: Exception = httpcore.ConnectError("no address")
        for index, address in enumerate(addresses):
            # An address that never answers must not use up the time of the next.
            share = (until - time.monotonic()) / (len(addresses) - index)
            try:
                stream = self._network.connect_tcp(address, port, max(0.001, share), local_address, socket_options)
                return _DeadlineStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which every operation ends at the network's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, network: _DeadlineNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        return self._stream.read(max_bytes, self._network.seconds_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes."""
        self._stream.write(buffer, self._network.seconds_left(timeout))

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._network.seconds_left(timeout))
        return _DeadlineStream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known about the connection."""
        return self._stream.get_extra_info(info)
