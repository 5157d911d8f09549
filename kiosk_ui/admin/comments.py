"""The page of comments: the head of a centre searches and reads them and sets aside what is not meant seriously."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import clock, exports
from feedback_service.access import roles
from feedback_service.config import current_settings
from feedback_service.errors import N_, NotFound
from feedback_service.flow import centre_profile
from feedback_service.flow import comments as comments_flow
from feedback_service.flow.dashboard import list_questionnaires
from feedback_service.i18n import own_name
from feedback_service.surveys.comments import AnswerFilter, CommentFilter, CommentView
from feedback_service.surveys.questionnaires import Question, Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES
from kiosk_ui.admin import labels, tables
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.period import read_period
from kiosk_ui.languages import available_languages, in_current_language, translated_message
from kiosk_ui.pages import respond_with_page

MAX_SEARCH_LENGTH = 100  # characters

EXPORT_COLUMNS = {
    "month": N_("Month"),
    "front_office": N_("Where"),
    "service": N_("Service"),
    "rating": N_("Would recommend, 0 to 10"),
    "poor": N_("What was poor"),
    "reasons": N_("Reasons"),
    "breach": N_("Something serious"),
    "language": N_("Language"),
    "comment": N_("Comment"),
}
UNKNOWN_CHOICE = N_("“%(typed)s” is nothing one can choose here and was left out.")
SEARCH_CUT = N_("Only the first %(longest)s characters are looked for.")


@dataclass(frozen=True, slots=True)
class LabelledComment:
    """A comment as the page shows it, with the poor marks of its author in the texts of the questionnaire."""

    comment: CommentView
    rating: str | None
    poor: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    breaches: Sequence[str]


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
        return any(
            (
                of_answers.front_office,
                of_answers.service,
                of_answers.source,
                filters.language,
                filters.reasons,
            )
        )


@needs(roles.COMMENTS)
def comments(centre: str | None = None) -> ResponseReturnValue:
    """Show a centre's comments, the newest first. Every filter is in the address."""
    if centre is None:
        return _redirect_to_first_centre()
    centre_summary, filter_form = find_visible_centre(centre), _read_filter_form(centre)
    comment_page = comments_flow.read_comments(
        current_user(),
        centre_summary.code,
        filter_form.comment_filter,
        _parse_uuid(request.args.get("after", "")),
    )
    return respond_with_page(
        "admin/comments.html",
        centre_summary=centre_summary,
        centres=visible_centres(),
        filter_form=filter_form,
        comment_filter=filter_form.comment_filter,
        comment_page=comment_page,
        labelled_comments=[_label_comment(comment, filter_form.questionnaires) for comment in comment_page.comments],
        min_group=current_settings().min_group,
        front_office_labels=labels.FRONT_OFFICE_LABELS,
        formats=exports.FORMATS,
        max_exported=comments_flow.MAX_EXPORTED,
    )


def _redirect_to_first_centre() -> ResponseReturnValue:
    """Redirect to the first of the user's centres, or say that there is none."""
    if not visible_centres():
        return respond_with_page("admin/comments.html", centre_summary=None)
    return redirect_to("admin.comments", centre=visible_centres()[0].code)


@needs(roles.COMMENTS)
def export_comments(centre: str, format: str) -> ResponseReturnValue:
    """Send the same comments as a file."""
    centre_summary = find_visible_centre(centre)
    if format not in exports.FORMATS:
        raise NotFound()
    filter_form = _read_filter_form(centre)
    all_comments = comments_flow.read_all_comments(current_user(), centre_summary.code, filter_form.comment_filter)
    columns = [exports.ExportColumn(name, translated_message(title)) for name, title in EXPORT_COLUMNS.items()]
    rows = (_export_row(_label_comment(comment, filter_form.questionnaires)) for comment in all_comments)
    table = exports.ExportTable("comments", translated_message(N_("Comments")), columns, rows)
    return tables.send_table(table, format, f"comments-{centre_summary.code}")


@needs(roles.COMMENTS)
def set_comment_aside(centre: str, comment: str) -> ResponseReturnValue:
    """Set a comment aside or take it back, and return to the page with the same filters."""
    comment_id, is_aside = _parse_uuid(comment), request.form.get("back") is None
    if comment_id is None:
        raise NotFound()
    comments_flow.set_comment_aside(current_user(), centre, comment_id, aside=is_aside)
    page_url = url_for("admin.comments", centre=centre)
    filters = request.query_string.decode("ascii", "ignore")
    return redirect(f"{page_url}?{filters}" if filters else page_url, 303)


def _read_filter_form(centre: str) -> CommentFilterForm:
    """Return the filters nearest to what the address asks for, and what else the form needs."""
    questionnaires = list_questionnaires(clock.kyiv_day(clock.now()))
    services = centre_profile.list_service_choices(current_user(), centre, request.args.get("service"))
    reasons = dict(labels.reason_texts(questionnaires))
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


def _export_row(labelled: LabelledComment) -> list[str | None]:
    comment = labelled.comment
    return [
        f"{comment.month:%Y-%m}" if comment.month else None,
        labels.office_label(comment.front_office) if comment.front_office else None,
        comment.service,
        labelled.rating,
        "; ".join(f"{question} {answer}" for question, answer in labelled.poor),
        "; ".join(labelled.reasons),
        "; ".join(labelled.breaches),
        comment.language,
        comment.text,
    ]


def _label_comment(comment: CommentView, questionnaires: Sequence[Questionnaire]) -> LabelledComment:
    by_version = {questionnaire.version: questionnaire for questionnaire in questionnaires}
    questionnaire = by_version.get(comment.questionnaire, questionnaires[-1])
    answers, find_question = comment.answers, questionnaire.find_question
    ratings = answers.get(questionnaire.first_question.id)
    poor = [
        (in_current_language(question.text), _option_text(question, values[0]))
        for question in questionnaire.questions
        if question.kind == "words" and (values := answers.get(question.id))
        if values[0] in questionnaire.poor_values
    ]
    reasons_question = find_question(questionnaire.reasons_question)
    breach_question = find_question(questionnaire.breach_question.id)
    return LabelledComment(
        comment,
        ratings[0] if ratings else None,
        poor,
        [_option_text(reasons_question, value) for value in questionnaire.reasons(answers)],
        [_option_text(breach_question, value) for value in questionnaire.breaches(answers)],
    )


def _option_text(question: Question | None, value: str) -> str:
    options = question.options if question else ()
    return next((in_current_language(option.text) for option in options if option.value == value), value)


def _parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
