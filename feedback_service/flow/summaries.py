"""Reads summaries for systems, for commands and for the public page, each in one snapshot; and the privacy notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from feedback_service.centres.register import make_public_centre, require_centre
from feedback_service.config import current_settings
from feedback_service.database import reading
from feedback_service.facts import PublicCentre
from feedback_service.figures.shapes import FigureQuery, Summary, WithoutSignals
from feedback_service.figures.summaries import read_summary
from feedback_service.figures.without_signals import read_summary_with_and_without_signals
from feedback_service.surveys import published
from feedback_service.surveys.questionnaires import Questionnaire


@dataclass(frozen=True, slots=True)
class PublicCentrePage:
    """The public figures of a centre, and the questionnaires with their texts."""

    centre: PublicCentre
    summary: Summary
    questionnaires: Sequence[Questionnaire]


@reading
def read_both_totals(tx: Session, query: FigureQuery, *, by: str | None = None) -> tuple[Summary, WithoutSignals]:
    """Read a summary with the groups of ``by``, and the figures without answers that carry a signal.

    Raises ``NotFound`` if one of the centres does not exist.
    """
    return read_summary_with_and_without_signals(tx, query, min_group=current_settings().min_group, by=by)


@reading
def read_public_page(tx: Session, code: str, first: date, last: date) -> PublicCentrePage:
    """Read the public figures of a centre from ``first`` to ``last``; raise ``NotFound`` if there is no such centre."""
    centre = require_centre(tx, code)
    query = FigureQuery(frozenset({centre.code}), first, last)
    return PublicCentrePage(
        make_public_centre(centre),
        read_summary(tx, query, min_group=current_settings().min_published),
        published.list_published(tx, last),
    )


@reading
def read_privacy_notice(tx: Session, centre_code: str) -> tuple[PublicCentre, str | None]:
    """Return the centre, and what it adds to the privacy notice; raises ``NotFound``."""
    centre = require_centre(tx, centre_code)
    return make_public_centre(centre), centre.notice
