"""Which figures an address asks for; what is impossible in it is put right, and said.

``centre``, ``from``, ``to``, ``front_office``, ``source`` and one of ``service``, ``provider``, ``workplace``,
``language`` make a view. A view has one address, so it can be sent to a colleague and survives a reload.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from flask_babel import gettext as _

from feedback_service.access.visibility import CentreSummary, Visibility
from feedback_service.errors import NotFound
from feedback_service.figures.breakdown import BREAKDOWNS
from feedback_service.figures.shapes import FigureQuery, FigureSubset
from feedback_service.plain_text import clean_text
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES
from kiosk_ui.admin.period import USUAL, read_period
from kiosk_ui.languages import url_language

PARTS = ("service", "provider", "workplace", "language")


@dataclass(frozen=True, slots=True)
class Asked:
    """The view, the centre if it is a single one, the address that leads to it, and what had to be put right."""

    view: FigureQuery
    centre: CentreSummary | None
    corrections: tuple[str, ...]
    fenced: FigureSubset | None = field(default=None)  # a provider sees their own services only

    def address(self, **changes: object) -> str:
        """The view as the query of an address, with changes; ``None`` leaves something out."""
        view = self.view
        members: dict[str, object] = {
            "centre": self.centre.code if self.centre else None,
            "from": view.first.isoformat(),
            "to": view.last.isoformat(),
            "front_office": view.front_office,
            "source": view.source,
        }
        if view.subset is not None and view.subset != self.fenced:
            members[view.subset.by] = next(iter(view.subset.keys))
        members |= {"lang": url_language()} | changes
        return urlencode({name: value for name, value in members.items() if value is not None})

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """By what the view can be told apart."""
        subset = self.view.subset
        ways = BREAKDOWNS if subset is None else (subset.by, "source")
        return tuple(by for by in ways if by in BREAKDOWNS)

    @property
    def chosen(self) -> tuple[str, str] | None:
        """The one service, window … that is looked at."""
        subset = self.view.subset
        if subset is None or subset == self.fenced:
            return None
        return subset.by, str(next(iter(subset.keys)))


def asked(arguments: Mapping[str, str], sight: Visibility, today: date) -> Asked | None:
    """The view nearest to what was asked; ``None`` if there is no centre to look at.

    ``NotFound`` for a foreign centre.
    """
    if not sight.centres:
        return None
    wrong: list[str] = []
    code = arguments.get("centre", "").strip()
    centre = sight.get_centre(code) if code else sight.centres[0] if len(sight.centres) == 1 else None
    first, last = read_period(arguments, today, wrong)
    fenced = _fence(sight)
    view = FigureQuery(
        centres=frozenset({centre.code}) if centre else sight.codes,
        first=first,
        last=last,
        front_office=_one_of(arguments, "front_office", FRONT_OFFICES, wrong),
        source=_one_of(arguments, "source", SOURCES, wrong),
        subset=_part(arguments, fenced, wrong),
    )
    return Asked(view, centre, tuple(wrong), fenced)


def presets(today: date) -> Iterator[tuple[str, date, date]]:
    """Periods that are often wanted: words, first day, last day."""
    month = today.replace(day=1)
    month_before = (month - timedelta(days=1)).replace(day=1)
    quarter = month.replace(month=(today.month - 1) // 3 * 3 + 1)
    quarter_before = (quarter - timedelta(days=1)).replace(day=1)
    quarter_before = quarter_before.replace(month=(quarter_before.month - 1) // 3 * 3 + 1)
    yield _("Last 91 days"), today - USUAL, today
    yield _("This month"), month, today
    yield _("Last month"), month_before, month - timedelta(days=1)
    yield _("Last quarter"), quarter_before, quarter - timedelta(days=1)
    yield _("This year"), today.replace(month=1, day=1), today
    yield _("Last year"), date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)


def _one_of(arguments: Mapping[str, str], name: str, words: tuple[str, ...], wrong: list[str]) -> str | None:
    typed = arguments.get(name, "").strip()
    if not typed or typed in words:
        return typed or None
    wrong.append(_("“%(typed)s” is nothing to filter by; all are shown.", typed=typed[:40]))
    return None


def _part(arguments: Mapping[str, str], fenced: FigureSubset | None, wrong: list[str]) -> FigureSubset | None:
    given = [(by, key) for by in PARTS if (key := _key(arguments.get(by, ""), wrong))]
    if len(given) > 1:
        wrong.append(
            _("Only one of service, provider, window and language can be looked at; the first is shown.")
        )
    if not given:
        return fenced
    by, key = given[0]
    if fenced is not None and (by != fenced.by or key not in fenced.keys):
        if by != fenced.by:
            wrong.append(_("Your role sees no figures told apart like that."))
            return fenced
        raise NotFound()
    return FigureSubset(by, frozenset({key}), among=fenced.keys if fenced else None)


def _key(typed: str, wrong: list[str]) -> str | None:
    try:
        return clean_text(typed).strip()[:64] or None
    except ValueError:
        wrong.append(_("“%(typed)s” is nothing to filter by; all are shown.", typed=typed[:40]))
        return None


def _fence(sight: Visibility) -> FigureSubset | None:
    if sight.providers is not None:
        return FigureSubset("provider", sight.providers, among=sight.providers)
    if sight.services is not None:
        return FigureSubset("service", sight.services, among=sight.services)
    return None
