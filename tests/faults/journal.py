"""The clients' journal: a line before each request, and one after a 2xx or 303 that acknowledges it."""

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
        self.counts: Counter[str] = Counter()  # number of lines by kind
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def record_sent(self, record_key: tuple[str, str, str], client: str, content: Mapping[str, Any]) -> None:
        """Note that a request for the thing will be sent."""
        self._write_entry("sent", record_key, client=client, content=content)

    def record_acknowledged(self, record_key: tuple[str, str, str], status: int, **details: Any) -> None:
        """Note that the service acknowledged the request."""
        self._write_entry("acknowledged", record_key, status=status, **details)

    def record_refused(self, record_key: tuple[str, str, str], status: int) -> None:
        """The service said that it will never do it."""
        self._write_entry("refused", record_key, status=status)

    def close(self) -> None:
        """Nobody writes any more."""
        os.close(self._file)

    def _write_entry(self, entry_type: str, record_key: tuple[str, str, str], **facts: Any) -> None:
        centre, key, kind = record_key
        entry = {"said": entry_type, "centre": centre, "key": key, "kind": kind} | facts
        with self._lock:
            self.counts[entry_type] += 1
            os.write(self._file, json.dumps(entry, ensure_ascii=False).encode() + b"\n")
