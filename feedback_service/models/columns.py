"""Types of columns that several tables share."""

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
Fingerprint = Annotated[bytes, mapped_column()]  # a hash of 32 bytes


def check_one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """Build the check that a column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")
