"""The page of comments: the head of a centre searches and reads them and sets aside what is not meant seriously."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import exports
from feedback_service.access import roles
from feedback_service.config import current_settings
from feedback_service.errors import N_, Invalid, NotFound
from feedback_service.flow import comments as comments_flow
from feedback_service.surveys.comments import UNKNOWN_PLACE, CommentFilter, CommentView
from feedback_service.surveys.questionnaires import Question, Questionnaire
from kiosk_ui.admin import labels, tables
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.audit_log import note_read, period_parameter
from kiosk_ui.admin.comment_filters import read_filter_form
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import MAX_SEARCH_LENGTH
from kiosk_ui.languages import in_current_language, translated_message
from kiosk_ui.pages import respond_with_page

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


@dataclass(frozen=True, slots=True)
class LabelledComment:
    """A comment as the page shows it, with the poor marks of its author in the texts of the questionnaire."""

    comment: CommentView
    rating: str | None
    poor: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    breaches: Sequence[str]


@needs(roles.COMMENTS)
def comments(centre: str | None = None) -> ResponseReturnValue:
    """Show a centre's comments, the newest first. Every filter is in the address."""
    if centre is None:
        return _redirect_to_first_centre()
    centre_summary, filter_form = find_visible_centre(centre), read_filter_form(centre)
    comment_page = comments_flow.read_comments(
        current_user(), centre_summary.code, filter_form.comment_filter, _read_cursor()
    )
    _note_read("comments", centre_summary.code, filter_form.comment_filter)
    return respond_with_page(
        "admin/comments.html",
        centre_summary=centre_summary,
        centres=visible_centres(),
        filter_form=filter_form,
        comment_filter=filter_form.comment_filter,
        comment_page=comment_page,
        max_search_length=MAX_SEARCH_LENGTH,
        labelled_comments=[_label_comment(comment, filter_form.questionnaires) for comment in comment_page.comments],
        min_group=current_settings().min_group,
        front_office_labels=labels.FRONT_OFFICE_LABELS,
        formats=exports.FORMATS,
        max_exported=comments_flow.MAX_EXPORTED,
    )


def _read_cursor() -> UUID | None:
    """Return the comment after which the page begins; raise ``Invalid`` if it can be none."""
    try:
        return UUID(request.args["after"]) if "after" in request.args else None
    except ValueError:
        raise Invalid.for_field("/after", UNKNOWN_PLACE) from None


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
    filter_form = read_filter_form(centre)
    all_comments = comments_flow.read_all_comments(current_user(), centre_summary.code, filter_form.comment_filter)
    _note_read("export_comments", centre_summary.code, filter_form.comment_filter, format)
    columns = [exports.ExportColumn(name, translated_message(title)) for name, title in EXPORT_COLUMNS.items()]
    rows = (_export_row(_label_comment(comment, filter_form.questionnaires)) for comment in all_comments)
    table = exports.ExportTable("comments", translated_message(N_("Comments")), columns, rows)
    return tables.send_table(table, format, f"comments-{centre_summary.code}")


@needs(roles.COMMENTS)
def set_comment_aside(centre: str, comment: UUID) -> ResponseReturnValue:
    """Set a comment aside or take it back, and return to the page with the same filters."""
    comments_flow.set_comment_aside(current_user(), centre, comment, aside="back" not in request.form)
    page_url = url_for("admin.comments", centre=centre)
    filters = request.query_string.decode("ascii", "ignore")
    return redirect(f"{page_url}?{filters}" if filters else page_url, 303)


def _note_read(page: str, centre: str, comment_filter: CommentFilter, format: str | None = None) -> None:
    """Note for the audit log who read which comments; not the words sought, which may be those of a respondent."""
    of_answers = comment_filter.answer_filter
    parameters = {
        "period": period_parameter(of_answers.first, of_answers.last),
        "front_office": of_answers.front_office,
        "service": of_answers.service,
        "source": of_answers.source,
        "language": comment_filter.language,
        "reasons": sorted(comment_filter.reasons),
        "poor": comment_filter.poor,
        "breach": comment_filter.breach,
        "set_aside": comment_filter.set_aside,
        "searched": bool(comment_filter.text),
        "format": format,
    }
    note_read(page, {centre}, parameters)


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
