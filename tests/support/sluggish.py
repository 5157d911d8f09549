"""A program that takes as long as it is asked to: ``/2.5`` is answered after two and a half seconds.

``/pid`` tells the process; ``/exit`` gives up as no program should.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Wait, then say so."""
    asked = environ["PATH_INFO"].strip("/")
    if asked == "exit":
        raise KeyboardInterrupt
    seconds = {"healthz": 0.0, "pid": 0.02}.get(asked)
    time.sleep(float(asked) if seconds is None else seconds)
    said = str(os.getpid()).encode() if asked == "pid" else b"ok"
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]
