"""The faults that the demo central system can show: every way in which a receiver can fail its sender."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# The usual values of each mode; all others are as in ``Fault``.
MODES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "slow": {"seconds": 3.0},  # waits, then does everything right
    "timeout": {"seconds": 30.0},  # stores, then waits so long that the sender has gone
    "reset_before": {},  # the connection breaks, nothing is stored
    "reset_after": {},  # stores, then the connection breaks
    "reset_midway": {},  # stores; the connection breaks in the middle of the answer
    "status": {"status": 503},  # answers with that status and stores nothing
    "poison": {"status": 422},  # refuses every request that carries one of the chosen events
    "reject": {},  # names the chosen events as rejected, takes the others
    "missing_ids": {},  # names every second event only
    "wrong_ids": {},  # names events that nobody sent
    "duplicate_ids": {},  # stores; names each event twice, as accepted and as a repeat
    "garbage": {},  # 200 with a page instead of JSON
    "empty": {},  # 200 with nothing
    "drip": {"seconds": 1.0},  # stores; the answer comes byte by byte, so many seconds apart
    "huge": {},  # 200 with an answer that does not end
    "redirect": {"status": 307},  # sends elsewhere
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the central system.

    ``times``: requests until it ends by itself, ``None`` for ever. ``retry_after``: the header as it is
    sent, sensible or not. ``id`` and ``every`` choose events: that one, or those whose sequence number it
    divides. ``stores``: modes that answer 2xx without truth store nothing, unless this is set.
    """

    mode: str = "none"
    times: int | None = None
    seconds: float = 0.0
    status: int = 200
    retry_after: str | None = None
    id: str | None = None
    every: int | None = None
    stores: bool = False

    def applies_to(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event is one of those that are refused."""
        if event["id"] == self.id:
            return True
        return self.every is not None and int(event["sequence"]) % self.every == 0


def parse_fault(settings: Mapping[str, object]) -> Fault:
    """Parse the fault that a caller wants. Raises ``ValueError`` with a sentence."""
    if unknown := settings.keys() - {field.name for field in fields(Fault)}:
        raise ValueError(f"{min(unknown)} is unknown here")
    mode = settings.get("mode")
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}")
    values = {**MODES[mode], **{name: value for name, value in settings.items() if value is not None}}
    statuses = (300, 399) if mode == "redirect" else (400, 599)
    fault = Fault(
        mode=mode,
        times=_read_whole_number(values, "times", 1, 10**9),
        seconds=_read_seconds(values),
        status=_read_whole_number(values, "status", *statuses) or 200,
        retry_after=_read_text(values, "retry_after"),
        id=_read_text(values, "id"),
        every=_read_whole_number(values, "every", 1, 10**9),
        stores=_read_boolean(values, "stores"),
    )
    if mode in ("poison", "reject") and fault.id is None and fault.every is None:
        raise ValueError(f"{mode} needs id or every")
    return fault


class FaultState:
    """The fault that is on; threads may share one. It is gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault, self._requests_left, self._hits = Fault(), 0, 0

    def set_fault(self, fault: Fault) -> None:
        """This one is on from the next request."""
        with self._lock:
            self._fault, self._requests_left, self._hits = fault, fault.times or 0, 0

    def take_fault(self) -> Fault:
        """How to treat the request that has just come."""
        with self._lock:
            fault = self._fault
            if fault.mode != "none":
                self._hits += 1
            if fault.times is not None:
                self._requests_left -= 1
                if self._requests_left == 0:
                    self._fault = Fault()
            return fault

    def describe_fault(self) -> dict[str, Any]:
        """The fault that is on, requests that it is on for, and requests that met the last one."""
        with self._lock:
            requests_left = self._requests_left if self._fault.times is not None else None
            return asdict(self._fault) | {"times": requests_left, "hits": self._hits}


def _read_whole_number(values: Mapping[str, object], name: str, least: int, most: int) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return value


def _read_seconds(values: Mapping[str, object]) -> float:
    value = values.get("seconds", 0.0)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 3600:
        raise ValueError("seconds is a number from 0 to 3600")
    return float(value)


def _read_text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # Retry-After is often a number
    if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise ValueError(f"{name} is a text of plain letters")
    return value


def _read_boolean(values: Mapping[str, object], name: str) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return value
