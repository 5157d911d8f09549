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
    """What a browser gets."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Change = Callable[[str, Reply], Reply]


class Proxy:
    """Passes requests on to the service at ``target``; ``with`` it, it listens at ``url``.

    ``change`` gets each address with the service's reply, and returns what the browser gets. ``is_cut`` ends all
    requests without an answer.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.change: Change = lambda path, reply: reply
        self.is_cut = False
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
        original = self._client.request(request.command, self.target + request.path, headers=headers, content=body)
        reply = self.change(request.path, Reply(original.status_code, original.content, dict(original.headers)))
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)
