"""The survey on a phone: two screens, the receipt, and the page of a link that was used already.

By a case's link (``/S/…``), the first answer is saved as a draft at once. The hall's code (``/C/…``) belongs to no
case, so there the first answer travels in the form until the answer is final.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from uuid import UUID, uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.errors import AlreadyAnswered, FieldError, Invalid
from feedback_service.flow import answers, receipts, uninvited_answers
from feedback_service.flow.answers import RecordedAnswer, Survey
from feedback_service.i18n import current_language
from feedback_service.surveys.answers import (
    FormSubmission,
    InvalidAnswer,
    clean_and_mask_comment,
    require_some_answer,
)
from feedback_service.surveys.questionnaires import LONGEST_COMMENT, Question, Questionnaire
from kiosk_ui.languages import in_current_language, set_available_languages, translated_message, url_language
from kiosk_ui.page_cache import make_placeholder, respond_with_cached_page
from kiosk_ui.pages import (
    address,
    current_path,
    current_url,
    render,
    respond,
    respond_with_page,
    source_of_visit,
)

bp = Blueprint("survey", __name__, template_folder="templates")

# Programs that fetch a link for its preview name themselves so. No person has read the page then.
_PREVIEW_AGENTS = re.compile(r"^(WhatsApp|Viber)/|bot\b|facebookexternalhit|crawler|spider|preview", re.IGNORECASE)
_PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


# --- a case's link ---


@bp.get("/s/<token>")
@bp.get("/S/<token>")
def ask(token: str) -> ResponseReturnValue:
    """Show the first screen, or the second if there is a draft. Looking does not use up the link."""
    survey = answers.open_survey(token, mark_opened=is_read_by_person())
    return show_screen(survey, is_second=survey.has_draft)


@bp.post("/s/<token>")
@bp.post("/S/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Save the draft and show the second screen, or store the final answer.

    1. Read the form. If it only asks for the same screen again, show that.
    2. Have the flow save the draft or store the final answer; it checks what was submitted.
    3. If something is invalid, show the same form with what to correct.
    4. Go to the receipt if the answer is final, also if it was final before; else show the second screen.
    """
    form = SurveyForm.from_request()
    if form.is_redisplay:
        return show_screen(answers.open_survey(token, mark_opened=False), is_second=True, form=form)
    accept = answers.submit_answer if form.is_final else answers.save_draft
    try:
        outcome = accept(
            token,
            client_id=form.client_id,
            submission=form.submission,
            language=current_language(),
            source="sms_viber" if source_of_visit() else "qr_case",
            replaces_later_answers=form.is_second_screen,
        )
    except Invalid as error:
        return show_invalid_form(answers.open_survey(token, mark_opened=False), form, error)
    if isinstance(outcome, RecordedAnswer):
        return redirect_to_thanks(outcome)
    return show_screen(outcome, is_second=True, form=form)


# --- the hall's code ---


@bp.get("/c/<centre>")
@bp.get("/C/<centre>")
def ask_in_hall(centre: str) -> ResponseReturnValue:
    """Show the first screen to people who scan the code on the wall."""
    return show_screen(uninvited_answers.open_hall_survey(centre), is_second=False)


@bp.post("/c/<centre>")
@bp.post("/C/<centre>")
def answer_in_hall(centre: str) -> ResponseReturnValue:
    """Show the second screen, which carries the first answer along, or store the final answer."""
    form = SurveyForm.from_request()
    try:
        if form.is_final:
            recorded = uninvited_answers.record_hall_answer(
                centre, client_id=form.client_id, submission=form.submission, language=current_language()
            )
            return redirect_to_thanks(recorded)
        survey = uninvited_answers.open_hall_survey(centre)
        if not form.is_redisplay:
            require_some_answer(form.submission.read_answers(survey.questionnaire))
    except Invalid as error:
        return show_invalid_form(uninvited_answers.open_hall_survey(centre), form, error)
    return show_screen(survey, is_second=True, form=form)


# --- afterwards ---


@bp.get("/r/<receipt>")
@bp.get("/R/<receipt>")
def thanks(receipt: str) -> ResponseReturnValue:
    """Show the receipt: what happens with the answer now. It may be opened any number of times."""
    receipt_view = receipts.read_receipt(receipt)
    set_available_languages(receipt_view.centre.languages)
    return respond_with_page("survey/thanks.html", thanks=receipt_view, receipt=receipt, late="late" in request.args)


@bp.post("/r/<receipt>")
@bp.post("/R/<receipt>")
def take_back(receipt: str) -> ResponseReturnValue:
    """Withdraw the answer, as its author asks."""
    receipts.withdraw_answer(receipt)
    return redirect(current_url(), code=303)


@bp.post("/masked")
def preview_comment() -> ResponseReturnValue:
    """Show what would be masked in a comment. The text is not stored."""
    text, limit = request.form.get("any.comment", ""), request.args.get("limit", LONGEST_COMMENT, type=int)
    return render_template("survey/masked.html", preview=Preview.of(text, min(limit, LONGEST_COMMENT)))


# --- parts of the views ---


@dataclass(frozen=True, slots=True)
class SurveyForm:
    """A posted form: its fields as typed, the client that sent it, and the button that was pressed."""

    fields: dict[str, list[str]]
    client_id: UUID
    is_final: bool  # Send, or Skip
    skips_rest: bool  # only the first answer shall count
    is_redisplay: bool  # show the same screen again (another language, a preview) and store nothing
    is_second_screen: bool  # it is the second screen, which shows every question but the first

    @classmethod
    def from_request(cls) -> "SurveyForm":
        """Return the form of this request.

        A client id that is not valid is replaced by a new one: if such a form is sent twice, the second counts as
        that of another client and is refused, instead of getting the receipt again.
        """
        form = request.form
        try:
            client_id = UUID(form.get("client_id", ""))
        except ValueError:
            client_id = uuid4()
        button = form.get("finish", "")
        skips_rest = button == "skip"
        return cls(
            form.to_dict(flat=False),
            client_id,
            is_final=bool(button),
            skips_rest=skips_rest,
            is_redisplay="again" in form,
            is_second_screen="rest" in form and not skips_rest,
        )

    @property
    def submission(self) -> FormSubmission:
        """What the form submits, not checked yet."""
        return FormSubmission(self.fields, first_only=self.skips_rest)


@dataclass(frozen=True, slots=True)
class FormError:
    """What to correct: the question, the field that its message links to (if this screen has it), the text."""

    question: str
    field: str | None
    message: str


def is_read_by_person() -> bool:
    """Tell whether a person follows the link: no prefetch, no preview, no HEAD request."""
    environ = request.environ
    purpose = " ".join(environ.get(name, "") for name in _PURPOSE_HEADERS).lower()
    return (
        request.method == "GET"
        and not any(word in purpose for word in ("prefetch", "prerender", "preview"))
        and environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        and not _PREVIEW_AGENTS.search(environ.get("HTTP_USER_AGENT", ""))
    )


def show_screen(
    survey: Survey,
    *,
    is_second: bool,
    form: SurveyForm | None = None,
    errors: Sequence[FieldError] = (),
) -> ResponseReturnValue:
    """Return the first or the second screen, with everything that was typed and what to correct in it.

    With ``?step=`` a person goes to the other screen. The answers of a draft are never shown.
    """
    if form is None and (requested_step := request.args.get("step")) in ("1", "2"):
        is_second = requested_step == "2"
    set_available_languages(survey.centre.languages)
    first_question, *other_questions = survey.questionnaire.questions
    typed_fields, client_id = (form.fields, form.client_id) if form else ({}, uuid4())
    place_html = _render_place(survey.centre.name, survey.service, survey.completed_on, current_language())
    if not errors and not any(question.id in typed_fields for question in other_questions):
        common_survey = replace(survey, service=None, completed_on=None)
        return respond_with_cached_page(
            _render_untouched,
            common_survey,
            is_second,
            _chosen_rating(first_question, typed_fields),
            client_id=str(client_id),
            place=place_html,
        )
    form_errors = [_make_form_error(error, other_questions if is_second else [first_question]) for error in errors]
    html = _render_screen(current_path(), survey, is_second, str(client_id), place_html, typed_fields, form_errors)
    return respond(html, 422 if errors else 200)


def _render_untouched(path: str, survey: Survey, is_second: bool, rating: str) -> str:
    """Return a screen in which only the first answer was given; client and case are placeholders."""
    typed_fields = {survey.questionnaire.first_question.id: [rating]}
    return _render_screen(
        path, survey, is_second, make_placeholder("client_id"), make_placeholder("place"), typed_fields, ()
    )


def _render_screen(
    path: str,
    survey: Survey,
    is_second: bool,
    client_id: str,
    place_html: str,
    typed_fields: Mapping[str, list[str]],
    errors: Sequence[FormError],
) -> str:
    context = {
        "survey": survey,
        "centre": survey.centre,
        "place": place_html,
        "address": address(path),
        "current_url": partial(address, path),
        "client_id": client_id,
        "errors": errors,
    }
    if not is_second:
        return render("survey/first.html", **context, question=survey.questionnaire.first_question)
    return render("survey/rest.html", **context, **_second_screen_context(survey.questionnaire, typed_fields))


@lru_cache(maxsize=1024)
def _render_place(centre: str, service: str | None, completed_on: date | None, language: str) -> Markup:
    """Return which centre, service and day the survey is about, in this language."""
    context = {"centre": centre, "service": service, "completed_on": completed_on}
    return Markup(render_template("survey/place.html", **context))


def _chosen_rating(first_question: Question, typed_fields: Mapping[str, list[str]]) -> str:
    typed = typed_fields.get(first_question.id, [])
    return next((value for value in typed if value in first_question.values), "")


def _second_screen_context(questionnaire: Questionnaire, typed_fields: Mapping[str, list[str]]) -> dict[str, object]:
    """Return what only the template of the second screen needs."""
    first_question, *other_questions = questionnaire.questions
    rating = _chosen_rating(first_question, typed_fields)
    option_texts = {option.value: in_current_language(option.text) for option in first_question.options}
    return {
        "questions": other_questions,
        "first": first_question,
        "rating": rating,
        "rating_in_words": option_texts.get(rating, rating),
        "was_poor": questionnaire.is_poor({first_question.id: rating}),
        "poor": {
            (question.id, value)
            for question in other_questions
            for value in question.values
            if questionnaire.is_poor({question.id: value})
        },
        "typed": typed_fields,
        "preview": _build_preview(other_questions, typed_fields),
    }


@dataclass(frozen=True, slots=True)
class Preview:
    """A comment as it would be stored, and whether anything in it is masked; or why it cannot be stored."""

    text: str = ""
    is_masked: bool = False
    problem: str = ""

    @classmethod
    def of(cls, typed: str, limit: int) -> "Preview":
        """Return the preview of a comment, which may have ``limit`` characters."""
        try:
            masked = clean_and_mask_comment(typed, limit)
        except InvalidAnswer as error:
            return cls(problem=translated_message(error.detail, error.params))
        return cls(masked.text, bool(masked.kinds))


def _build_preview(questions: Sequence[Question], typed_fields: Mapping[str, list[str]]) -> Preview:
    """Return the preview of the comment, empty if none was typed."""
    for question in questions:
        if question.kind == "text" and question.id in typed_fields:
            return Preview.of(typed_fields[question.id][0], question.max_length or LONGEST_COMMENT)
    return Preview()


def _make_form_error(error: FieldError, shown_questions: Sequence[Question]) -> FormError:
    """Return the error in the reader's language. One of the whole form links to the first question shown."""
    question_id = error.pointer.removeprefix("/answers").removeprefix("/")
    shown_ids = {question.id for question in shown_questions}
    field = question_id if question_id in shown_ids else None if question_id else shown_questions[0].id
    return FormError(question_id, field, translated_message(error.detail, error.params))


def redirect_to_thanks(recorded: RecordedAnswer) -> ResponseReturnValue:
    """Redirect to the receipt, which may be reloaded without harm."""
    late = 1 if recorded.was_abandoned else None
    receipt_url = url_for("survey.thanks", receipt=recorded.receipt, lang=url_language(), late=late)
    return redirect(receipt_url, code=303)


def show_invalid_form(survey: Survey, form: SurveyForm, error: Invalid) -> ResponseReturnValue:
    """Return the screen that the form was sent from, with what was typed and what to correct; status 422."""
    other_ids = {question.id for question in survey.questionnaire.questions[1:]}
    is_second = form.is_final or form.is_second_screen or not other_ids.isdisjoint(form.fields)
    return show_screen(survey, is_second=is_second, form=form, errors=error.errors)


@bp.errorhandler(AlreadyAnswered)
def handle_used_invitation(error: AlreadyAnswered) -> ResponseReturnValue:
    """Return the page that says on which day the link was used; status 409 if an answer was sent, else 200."""
    return respond_with_page("survey/answered.html", 409 if request.method == "POST" else 200, on=error.on)
