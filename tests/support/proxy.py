"""Something between a browser and the service that may answer in its place: a proxy, or a network with a sign-in."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date"})


@dataclass(frozen=True)
class Reply:
    """What is answered in place of the service."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Substitute = Callable[[str, httpx.Response], Reply | None]


class Proxy:
    """Passes requests on to the service at ``target``; ``with`` it, it listens at ``url``.

    ``substitute`` is asked for each address and the service's reply, and may answer something else. ``is_cut`` ends all
    requests without an answer. ``asked`` holds the addresses that were substituted.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.substitute: Substitute = lambda path, reply: None
        self.is_cut = False
        self.asked: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                proxy._answer(self)

            do_POST = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._client = httpx.Client(trust_env=False, follow_redirects=False, timeout=30)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.is_cut:
            request.close_connection = True
            return
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        reply = self._client.request(request.command, self.target + request.path, headers=headers, content=body)
        substitute = self.substitute(request.path, reply)
        if substitute:
            self.asked.append(request.path)
        request.send_response(substitute.status if substitute else reply.status_code)
        for name, value in substitute.headers.items() if substitute else reply.headers.multi_items():
            if name.lower() not in HOP_BY_HOP:
                request.send_header(name, value)
        content = substitute.body if substitute else reply.content
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
