"""Events by HTTPS: one signed POST, every phase bounded, nothing followed, nothing believed.

This stands on httpcore, the part of httpx that moves bytes: it knows no redirects, cookies and environment
proxies, and lets us bound the whole exchange. A time-out for each read would not: a server that sends one byte
a second never breaks it.
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

CONNECT_SECONDS, WRITE_SECONDS, READ_SECONDS, POOL_SECONDS = (
    3.0,
    5.0,
    8.0,
    1.0,
)  # seconds; all together no more than relay.REQUEST
LONGEST_REPLY = 1024 * 1024  # bytes
KEEPALIVE_SECONDS = 4.0  # seconds that a connection is kept open
MEDIA_TYPE = "application/cloudevents-batch+json; charset=utf-8"


class HttpsTransport:
    """The receiver at ``{url}/events``, by one connection that is kept open; for one thread."""

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
        """What came of sending these events, within ``relay.REQUEST``."""
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
        """The connection is closed."""
        self._pool.close()

    def _post_events(
        self, content: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes | None]:
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
    """The body, or ``None`` if it is longer than we read."""
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
    """Where the host is; raises a time-out, because the system's resolver waits for as long as it likes."""
    addresses: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses.extend(dict.fromkeys(str(info[4][0]) for info in infos))

    resolver = threading.Thread(target=look_up, name="resolver", daemon=True)
    resolver.start()
    resolver.join(seconds)
    if resolver.is_alive():
        raise httpcore.ConnectTimeout()
    return addresses


class _DeadlineNetwork(httpcore.NetworkBackend):
    """The network, where everything ends at ``deadline`` (of the monotonic clock), whatever it was allowed."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self._network = httpcore.SyncBackend()

    def seconds_left(self, allowed: float | None) -> float:
        """How many seconds of those allowed are left; raises a time-out when none are."""
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
        """A connection, to the first of the host's addresses that answers."""
        until = time.monotonic() + self.seconds_left(timeout)
        addresses = _resolve_host(host, port, until - time.monotonic())
        failure: Exception = httpcore.ConnectError("no address")
        for index, address in enumerate(addresses):
            # An address that swallows whatever is sent to it must not eat the time of the next.
            share = (until - time.monotonic()) / (len(addresses) - index)
            try:
                stream = self._network.connect_tcp(
                    address, port, max(0.001, share), local_address, socket_options
                )
                return _DeadlineStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A connection of such a network."""

    def __init__(self, stream: httpcore.NetworkStream, network: _DeadlineNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes."""
        return self._stream.read(max_bytes, self._network.seconds_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of them."""
        self._stream.write(buffer, self._network.seconds_left(timeout))

    def close(self) -> None:
        """Nothing more comes."""
        with suppress(OSError):
            self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same, in private."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._network.seconds_left(timeout))
        return _DeadlineStream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection."""
        return self._stream.get_extra_info(info)
