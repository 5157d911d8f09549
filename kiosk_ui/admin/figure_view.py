"""Which figures an address asks for. What is impossible is corrected, with a sentence about it.

``centre``, ``from``, ``to``, ``front_office``, ``source`` and one of ``service``, ``provider``, ``workplace``,
``language`` make a view. A view has one address, so it can be sent to a colleague and survives a reload.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from flask_babel import gettext as _

from feedback_service.access.visibility import CentreSummary, Visibility
from feedback_service.errors import NotFound
from feedback_service.figures.breakdown import BREAKDOWNS
from feedback_service.figures.shapes import FigureQuery, FigureSubset
from feedback_service.plain_text import clean_text
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES
from kiosk_ui.admin.period import DEFAULT_LENGTH, read_period
from kiosk_ui.languages import url_language

SUBSET_ARGUMENTS = ("service", "provider", "workplace", "language")


@dataclass(frozen=True, slots=True)
class FigureView:
    """The figures of a page: their query, the centre if it is a single one, and sentences about corrections.

    ``role_subset`` is all that the user's role may see: a provider sees only their own services.
    """

    query: FigureQuery
    centre: CentreSummary | None
    corrections: tuple[str, ...]
    role_subset: FigureSubset | None = None

    def query_string(self, **changes: object) -> str:
        """Return the view as the query of an address, with changes; ``None`` leaves an argument out."""
        query = self.query
        arguments: dict[str, object] = {
            "centre": self.centre.code if self.centre else None,
            "from": query.first.isoformat(),
            "to": query.last.isoformat(),
            "front_office": query.front_office,
            "source": query.source,
        }
        if self.chosen_group is not None:
            by, key = self.chosen_group
            arguments[by] = key
        arguments |= {"lang": url_language()} | changes
        return urlencode({name: value for name, value in arguments.items() if value is not None})

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The breakdowns that can be made of the view."""
        subset = self.query.subset
        candidates = BREAKDOWNS if subset is None else (subset.by, "source")
        return tuple(by for by in candidates if by in BREAKDOWNS)

    @property
    def chosen_group(self) -> tuple[str, str] | None:
        """The one service, provider, window or language that was chosen: which kind, and its key."""
        subset = self.query.subset
        if subset is None or subset == self.role_subset:
            return None
        return subset.by, str(next(iter(subset.keys)))


def read_figure_view(arguments: Mapping[str, str], visibility: Visibility, today: date) -> FigureView | None:
    """Return the view nearest to what the arguments ask for, or ``None`` if the user sees no centre.

    Raises ``NotFound`` for a centre, service or provider that the user may not see.
    """
    if not visibility.centres:
        return None
    corrections: list[str] = []
    code = arguments.get("centre", "").strip()
    only_centre = visibility.centres[0] if len(visibility.centres) == 1 else None
    centre = visibility.get_centre(code) if code else only_centre
    first, last = read_period(arguments, today, corrections)
    role_subset = _find_role_subset(visibility)
    query = FigureQuery(
        centres=frozenset({centre.code}) if centre else visibility.codes,
        first=first,
        last=last,
        front_office=_read_choice(arguments, "front_office", FRONT_OFFICES, corrections),
        source=_read_choice(arguments, "source", SOURCES, corrections),
        subset=_read_subset(arguments, role_subset, corrections),
    )
    return FigureView(query, centre, tuple(corrections), role_subset)


def list_period_presets(today: date) -> Iterator[tuple[str, date, date]]:
    """List periods that people often want: label, first day, last day."""
    month = today.replace(day=1)
    month_before = (month - timedelta(days=1)).replace(day=1)
    quarter = month.replace(month=(today.month - 1) // 3 * 3 + 1)
    quarter_before = (quarter - timedelta(days=1)).replace(day=1)
    quarter_before = quarter_before.replace(month=(quarter_before.month - 1) // 3 * 3 + 1)
    yield _("Last 91 days"), today - DEFAULT_LENGTH, today
    yield _("This month"), month, today
    yield _("Last month"), month_before, month - timedelta(days=1)
    yield _("Last quarter"), quarter_before, quarter - timedelta(days=1)
    yield _("This year"), today.replace(month=1, day=1), today
    yield _("Last year"), date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)


def _read_choice(
    arguments: Mapping[str, str], name: str, allowed: tuple[str, ...], corrections: list[str]
) -> str | None:
    value = arguments.get(name, "").strip()
    if not value or value in allowed:
        return value or None
    corrections.append(_("“%(typed)s” is nothing to filter by; all are shown.", typed=value[:40]))
    return None


def _read_subset(
    arguments: Mapping[str, str], role_subset: FigureSubset | None, corrections: list[str]
) -> FigureSubset | None:
    """Return the chosen service, provider, window or language; without one, all that the role may see."""
    groups = [(by, key) for by in SUBSET_ARGUMENTS if (key := _read_key(arguments.get(by, ""), corrections))]
    if len(groups) > 1:
        corrections.append(
            _("Only one of service, provider, window and language can be looked at; the first is shown.")
        )
    if not groups:
        return role_subset
    by, key = groups[0]
    if role_subset is not None and (by != role_subset.by or key not in role_subset.keys):
        if by != role_subset.by:
            corrections.append(_("Your role sees no figures told apart like that."))
            return role_subset
        raise NotFound()
    return FigureSubset(by, frozenset({key}), among=role_subset.keys if role_subset else None)


def _read_key(text: str, corrections: list[str]) -> str | None:
    try:
        return clean_text(text).strip()[:64] or None
    except ValueError:
        corrections.append(_("“%(typed)s” is nothing to filter by; all are shown.", typed=text[:40]))
        return None


def _find_role_subset(visibility: Visibility) -> FigureSubset | None:
    """Return the services or providers to which the user's role is limited."""
    if visibility.providers is not None:
        return FigureSubset("provider", visibility.providers, among=visibility.providers)
    if visibility.services is not None:
        return FigureSubset("service", visibility.services, among=visibility.services)
    return None
