"""A program that takes as long as it is asked to (``/2.5`` two and a half seconds), or gives up (``/exit``)."""

import time
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Wait, then say so."""
    asked = environ["PATH_INFO"].strip("/")
    if asked == "exit":
        raise SystemExit
    time.sleep(float(asked) if asked != "healthz" else 0)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
