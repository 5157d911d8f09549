"""Log lines about a database that is busy or away: at once, then at most one a minute, and one when it is back."""

import threading
import time

from feedback_service.logs import log

REPEAT_SECONDS = 60.0


class OutageLog:
    """Logs failures of the database; each kind (by its code) at most once in ``REPEAT_SECONDS``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Log the next failure at once."""
        self._logged_at = dict[str | None, float]()
        self._omitted = 0  # failures since the last line
        self._is_out = self._reads_failed = False

    def note_failure(
        self, error: str, code: str | None, *, may_write: bool, event: str = "database unavailable"
    ) -> None:
        """Log the failure, or count it."""
        now = time.monotonic()
        with self._lock:
            self._reads_failed |= not may_write
            last = self._logged_at.get(code)
            if last is not None and now - last < REPEAT_SECONDS:
                self._omitted += 1
                return
            self._logged_at[code] = now
            self._is_out = True
            fields = {"omitted": self._omitted} if self._omitted else {}
            self._omitted = 0
        log.warning(event, error=error, code=code, **fields)

    def note_success(self, *, has_written: bool) -> None:
        """Log that the database is back after a failure. If only writes failed (full disk), reading proves nothing."""
        if not self._is_out or not (has_written or self._reads_failed):
            return
        with self._lock:
            self._is_out = self._reads_failed = False
        log.info("database available again")


outage_log = OutageLog()
