"""The state of a centre's tablets: their last heartbeat, and warnings that need attention."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.centres import opening_hours
from feedback_service.database import reading
from feedback_service.errors import N_
from feedback_service.models import Centre, Device
from feedback_service.tablets import devices

# Columns that ``TabletState`` takes over from the row of the device.
_COPIED_COLUMNS = (
    *("id", "name", "mode", "workplace", "paired_at", "revoked_at", "seen_at", "version", "waiting"),
    *("oldest_at", "persisted", "battery", "skew"),
)

SILENT_AFTER = timedelta(minutes=10)  # in opening hours
MAX_WAITING_TIME = timedelta(hours=1)  # of the oldest answer that waits
MAX_SKEW_SECONDS = 120  # seconds
LOW_BATTERY_PERCENT = 15  # percent of a battery

WARNINGS = {
    "silent": N_("Silent for more than ten minutes in opening hours"),
    "queue_old": N_("Answers have been waiting for more than an hour"),
    "no_room": N_("It cannot keep answers: its storage is full or broken"),
    "clock_off": N_("Its clock is off by more than two minutes"),
    "not_persisted": N_("The browser has not promised to keep its storage"),
    "battery_low": N_("The battery is low"),
    "refused": N_("Something it sent was refused"),
    "not_paired": N_("No tablet has been paired yet"),
}


@dataclass(frozen=True, slots=True)
class RefusedSummary:
    """Something that a tablet sent and that was refused."""

    came_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class TabletState:
    """A tablet at its last heartbeat; ``warnings`` are keys of ``WARNINGS``, ``skew`` is in seconds."""

    id: uuid.UUID
    centre: str
    name: str
    mode: str
    workplace: str | None
    paired_at: datetime | None
    revoked_at: datetime | None
    seen_at: datetime | None
    version: str | None
    waiting: int | None
    oldest_at: datetime | None
    persisted: bool | None
    battery: int | None
    skew: int
    refused: tuple[RefusedSummary, ...]
    warnings: tuple[str, ...]


def read_tablets(tx: Session, centres: Collection[str]) -> list[TabletState]:
    """Return every tablet of these centres, ordered by centre and name."""
    now, device_rows = clock.now(), devices.list_devices(tx, centres)
    refused: dict[uuid.UUID, list[RefusedSummary]] = {device.id: [] for _, device in device_rows}
    centre_ids = {centre.id for centre, _ in device_rows}
    for device_id, came_on, reason in devices.list_refused_answers(tx, centre_ids, refused.keys()):
        refused[device_id].append(RefusedSummary(came_on, reason))
    return [
        TabletState(
            centre=centre.code,
            refused=tuple(refused[device.id]),
            warnings=_find_warnings(centre, device, now, refused=bool(refused[device.id])),
            **{name: getattr(device, name) for name in _COPIED_COLUMNS},
        )
        for centre, device in device_rows
    ]


list_tablets = reading(read_tablets)


def _find_warnings(centre: Centre, device: Device, now: datetime, *, refused: bool) -> tuple[str, ...]:
    if device.revoked_at is not None:
        return ("refused",) if refused else ()
    if device.paired_at is None:
        return ("not_paired",)
    silent = (device.seen_at or device.paired_at) < now - SILENT_AFTER
    conditions = {
        "silent": silent
        and opening_hours.is_open(centre.opening, now)
        and opening_hours.is_open(centre.opening, now - SILENT_AFTER),
        "queue_old": device.oldest_at is not None and device.oldest_at < now - MAX_WAITING_TIME,
        "no_room": device.seen_at is not None and device.waiting is None,
        "clock_off": abs(device.skew) > MAX_SKEW_SECONDS,
        "not_persisted": device.persisted is False,
        "battery_low": device.battery is not None and device.battery <= LOW_BATTERY_PERCENT,
        "refused": refused,
    }
    return tuple(name for name, applies in conditions.items() if applies)
