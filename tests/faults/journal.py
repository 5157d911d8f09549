"""What clients write down: before a request that they send it, after a 2xx or 303 that it was acknowledged."""

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of JSON lines; threads may share one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: Counter[str] = Counter()  # lines by what they say
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def sent(self, thing: tuple[str, str, str], client: str, content: Mapping[str, Any]) -> None:
        """A request for the thing is about to go out."""
        self._write("sent", thing, client=client, content=content)

    def acknowledged(self, thing: tuple[str, str, str], status: int, **received: Any) -> None:
        """The service said yes."""
        self._write("acknowledged", thing, status=status, **received)

    def refused(self, thing: tuple[str, str, str], status: int) -> None:
        """The service said that it will never do it."""
        self._write("refused", thing, status=status)

    def close(self) -> None:
        """Nobody writes any more."""
        os.close(self._file)

    def _write(self, said: str, thing: tuple[str, str, str], **facts: Any) -> None:
        centre, key, kind = thing
        line = {"said": said, "centre": centre, "key": key, "kind": kind} | facts
        with self._lock:
            self.said[said] += 1
            os.write(self._file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
