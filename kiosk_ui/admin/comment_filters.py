"""The filters of the page of comments. What cannot be chosen is left out, with a sentence about it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request

from feedback_service import clock
from feedback_service.errors import N_
from feedback_service.flow import centre_profile
from feedback_service.flow.dashboard import list_questionnaires
from feedback_service.i18n import own_name
from feedback_service.surveys.comments import AnswerFilter, CommentFilter
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES
from kiosk_ui.admin import labels
from kiosk_ui.admin.admission import current_user
from kiosk_ui.admin.paging import MAX_SEARCH_LENGTH
from kiosk_ui.admin.period import read_period
from kiosk_ui.languages import available_languages, translated_message

UNKNOWN_CHOICE = N_("“%(typed)s” is nothing one can choose here and was left out.")
SEARCH_CUT = N_("Only the first %(longest)s characters are looked for.")


@dataclass(frozen=True, slots=True)
class CommentFilterForm:
    """The filters in use, a sentence about each that was corrected, and the values that one may choose."""

    comment_filter: CommentFilter
    corrections: Sequence[str]
    questionnaires: Sequence[Questionnaire]
    choices: Mapping[str, Mapping[str, str]]
    reasons: Mapping[str, str]

    @property
    def query(self) -> str:
        """The filters as the query of an address."""
        return urlencode(request.args.to_dict(flat=False), doseq=True)

    @property
    def has_more_filters(self) -> bool:
        """Whether a filter is in use that the page otherwise hides under “More filters”."""
        filters, of_answers = self.comment_filter, self.comment_filter.answer_filter
        return any((of_answers.front_office, of_answers.service, of_answers.source, filters.language, filters.reasons))


def read_filter_form(centre: str) -> CommentFilterForm:
    """Return the filters nearest to what the address asks for, and what else the form needs."""
    questionnaires = list_questionnaires(clock.kyiv_day(clock.now()))
    services = centre_profile.list_service_choices(current_user(), centre, request.args.get("service"))
    reasons = labels.reason_texts(questionnaires)
    comment_filter, corrections = _read_comment_filter(services, reasons)
    choices = {
        "front_office": {name: labels.office_label(name) for name in FRONT_OFFICES},
        "service": services,
        "source": {name: translated_message(labels.SOURCE_LABELS[name]) for name in SOURCES},
        "language": {code: own_name(code) for code in available_languages()},
    }
    return CommentFilterForm(comment_filter, corrections, questionnaires, choices, reasons)


def _read_comment_filter(services: Mapping[str, str], reasons: Mapping[str, str]) -> tuple[CommentFilter, list[str]]:
    """Return the filters nearest to what the address asks for, and a sentence about each correction."""
    corrections: list[str] = []

    def is_choice(value: str, allowed: Collection[str]) -> bool:
        if value and value not in allowed:
            corrections.append(translated_message(UNKNOWN_CHOICE, {"typed": value[:40]}))
        return value in allowed

    def read_choice(name: str, allowed: Collection[str]) -> str | None:
        value = request.args.get(name, "")
        return value if is_choice(value, allowed) else None

    first, last = read_period(request.args, clock.kyiv_day(clock.now()), corrections)
    search_text = request.args.get("q", "").strip()
    if len(search_text) > MAX_SEARCH_LENGTH:
        corrections.append(translated_message(SEARCH_CUT, {"longest": MAX_SEARCH_LENGTH}))
    answer_filter = AnswerFilter(
        first=first,
        last=last,
        front_office=read_choice("front_office", FRONT_OFFICES),
        service=read_choice("service", services),
        source=read_choice("source", SOURCES),
    )
    comment_filter = CommentFilter(
        answer_filter=answer_filter,
        reasons=frozenset(value for value in request.args.getlist("reason") if is_choice(value, reasons)),
        language=read_choice("language", available_languages()),
        poor="poor" in request.args,
        breach="breach" in request.args,
        text=search_text[:MAX_SEARCH_LENGTH],
        set_aside="aside" in request.args,
    )
    return comment_filter, corrections
