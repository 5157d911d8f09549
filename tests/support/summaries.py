"""Reads a summary as the JSON of GET /summaries, without the totals that leave signals out."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from feedback_service.database import reading
from feedback_service.figures.shapes import FigureQuery, FigureSubset
from feedback_service.figures.summaries import read_summary
from feedback_service.figures.summary_json import summary_json


@reading
def read_summary_json(
    tx: Session,
    /,
    *,
    centres: Collection[str],
    first: date,
    last: date,
    min_group: int,
    front_office: str | None = None,
    source: str | None = None,
    subset: FigureSubset | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Return the members of the reply as plain values."""
    query = FigureQuery(frozenset(centres), first, last, front_office, source, subset)
    return summary_json(read_summary(tx, query, min_group=min_group, **how))
