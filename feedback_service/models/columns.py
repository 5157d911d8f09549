"""Column shapes that several tables share."""

import uuid
from collections.abc import Iterable
from typing import Annotated

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import mapped_column

Id = Annotated[uuid.UUID, mapped_column(primary_key=True)]
CentreId = Annotated[uuid.UUID, mapped_column(ForeignKey("centres.id"), primary_key=True)]
Word = Annotated[str, mapped_column(String(32))]
Edrpou = Annotated[str, mapped_column(String(8))]
Title = Annotated[str, mapped_column(String(500))]
Fingerprint = Annotated[bytes, mapped_column()]  # 32 bytes of a keyed hash

FRONT_OFFICES = ("offline", "online")
STATUSES = ("registered", "in_progress", "returned", "completed", "refused", "cancelled")
FINAL_STATUSES = frozenset({"completed", "refused"})
WORKPLACE_KINDS = ("centre", "territorial_unit", "remote", "mobile")
SOURCES = (
    "qr_case",
    "tablet_hall",
    "tablet_walkup",
    "qr_hall",
    "sms_viber",
    "phone_interview",
    "paper_box",
    "diia_centers_map",
)
PARTS_OF_DAY = ("morning", "midday", "afternoon", "evening")
EVENT_STATES = ("pending", "delivered", "dead")
SCOPES = (
    "cases:write",
    "cases:read",
    "responses:write",
    "summaries:read",
    "reports:read",
    "deliveries:manage",
)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")
