"""The survey on a phone: two screens, thanks, and what a link says when it is spent.

A case's link (``/S/…``) keeps the first tap at once. The hall's code (``/C/…``) belongs to no case, so there
the first tap travels in the form until the answer is final.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from uuid import UUID, uuid4

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.errors import AlreadyAnswered, FeedbackError, FieldError, Invalid
from feedback_service.flow import answers as answers_flow
from feedback_service.flow import receipts, uninvited_answers
from feedback_service.flow.answers import NOTHING_ANSWERED, RecordedAnswer, Survey
from feedback_service.i18n import current_language
from feedback_service.surveys import answers
from feedback_service.surveys.answers import Answers, InvalidAnswer
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

# Programs that fetch a link to draw its preview say so; nobody has read the page then.
_PREVIEW_AGENTS = re.compile(
    r"^(WhatsApp|Viber)/|bot\b|facebookexternalhit|crawler|spider|preview", re.IGNORECASE
)


_PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


# --- a case's link ---


@bp.get("/s/<token>")
@bp.get("/S/<token>")
def ask(token: str) -> ResponseReturnValue:
    """The screen that this survey has come to. Looking spends nothing."""
    survey = answers_flow.open_survey(token, mark_opened=is_read_by_person())
    return show_screen(survey, is_second=survey.has_draft)


@bp.post("/s/<token>")
@bp.post("/S/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Keep what was chosen and show the rest, or make the answer final."""
    form = SurveyForm.from_request()
    if form.is_redisplay:
        return show_screen(answers_flow.open_survey(token, mark_opened=False), is_second=True, form=form)
    source = "sms_viber" if source_of_visit() else "qr_case"
    save_answers = answers_flow.submit_answer if form.is_final else answers_flow.save_draft
    outcome = save_answers(
        token,
        client_id=form.client_id,
        given=form.check_answers,
        language=current_language(),
        source=source,
        whole=form.is_second_screen,
    )
    return (
        redirect_to_thanks(outcome)
        if isinstance(outcome, RecordedAnswer)
        else show_screen(outcome, is_second=True, form=form)
    )


# --- the hall's code ---


@bp.get("/c/<centre>")
@bp.get("/C/<centre>")
def ask_in_hall(centre: str) -> ResponseReturnValue:
    """The same questions for whoever scans the code on the wall."""
    return show_screen(uninvited_answers.open_hall_survey(centre), is_second=False)


@bp.post("/c/<centre>")
@bp.post("/C/<centre>")
def answer_in_hall(centre: str) -> ResponseReturnValue:
    """Show the rest with the first answer carried along, or make the answer final."""
    form = SurveyForm.from_request()
    if form.is_final:
        return redirect_to_thanks(
            uninvited_answers.record_hall_answer(
                centre, client_id=form.client_id, given=form.check_answers, language=current_language()
            )
        )
    survey = uninvited_answers.open_hall_survey(centre)
    if not form.is_redisplay and form.check_answers(survey.questionnaire).is_empty:
        raise Invalid.for_field("/answers", NOTHING_ANSWERED)
    return show_screen(survey, is_second=True, form=form)


# --- afterwards ---


@bp.get("/r/<receipt>")
@bp.get("/R/<receipt>")
def thanks(receipt: str) -> ResponseReturnValue:
    """What happens with the answer now, and how to hold it. May be opened again and again."""
    receipt_view = receipts.read_receipt(receipt)
    set_available_languages(receipt_view.centre.languages)
    return respond_with_page(
        "survey/thanks.html", thanks=receipt_view, receipt=receipt, late="late" in request.args
    )


@bp.post("/r/<receipt>")
@bp.post("/R/<receipt>")
def take_back(receipt: str) -> ResponseReturnValue:
    """The answer's author deletes it."""
    receipts.withdraw_answer(receipt)
    return redirect(current_url(), code=303)


@bp.post("/masked")
def preview_comment() -> ResponseReturnValue:
    """What would be hidden in a comment; the text is looked at and forgotten."""
    text, limit = request.form.get("any.comment", ""), request.args.get("limit", LONGEST_COMMENT, type=int)
    return render_template("survey/masked.html", preview=Preview.of(text, min(limit, LONGEST_COMMENT)))


# --- what the views are made of ---


@dataclass(frozen=True, slots=True)
class SurveyForm:
    """What a form brought: its fields as typed, who typed them, and which button was pressed."""

    fields: dict[str, list[str]]
    client_id: UUID
    is_final: bool  # Send, or Skip
    skips_rest: bool  # only the first answer shall count
    is_redisplay: bool  # show the same screen once more (another language, a preview): nothing is kept
    is_second_screen: bool  # it is the second screen, which shows every question but the first

    @classmethod
    def from_request(cls) -> "SurveyForm":
        """This request's form. A client id that is none is replaced: it could not be repeated anyway."""
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

    def check_answers(self, questionnaire: Questionnaire) -> Answers:
        """The checked answers; ``Invalid`` names every one that breaks a rule."""
        first_id = questionnaire.first_question.id
        fields = {first_id: self.fields.get(first_id, [])} if self.skips_rest else self.fields
        return answers.check_answers(questionnaire, answers.parse_form(questionnaire, fields))


@dataclass(frozen=True, slots=True)
class FormError:
    """What to correct: the question, the field that its message leads to (if this screen has it), the words."""

    question: str
    field: str | None
    message: str


def is_read_by_person() -> bool:
    """Whether somebody follows the link: not a prefetch, not a preview, not a look by HEAD."""
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
    """The first or the second screen, with everything that was typed and what to correct in it.

    ``?step=`` lets a person go to the other one by herself; nothing kept earlier is ever shown.
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
    form_errors = [
        _make_form_error(error, other_questions if is_second else [first_question]) for error in errors
    ]
    return respond(
        _render_screen(
            current_path(), survey, is_second, str(client_id), place_html, typed_fields, form_errors
        ),
        422 if errors else 200,
    )


def _render_untouched(path: str, survey: Survey, is_second: bool, rating: str) -> str:
    """A screen in which nothing was typed but the first answer; client and case are blanks."""
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
        "here": partial(address, path),
        "client_id": client_id,
        "errors": errors,
    }
    if is_second:
        return render(
            "survey/rest.html", **context, **_second_screen_context(survey.questionnaire, typed_fields)
        )
    return render("survey/first.html", **context, question=survey.questionnaire.first_question)


@lru_cache(maxsize=1024)
def _render_place(centre: str, service: str | None, completed_on: date | None, language: str) -> Markup:
    """Whose survey it is, in the language being spoken."""
    context = {"centre": centre, "service": service, "completed_on": completed_on}
    return Markup(render_template("survey/place.html", **context))


def _chosen_rating(first_question: Question, typed_fields: Mapping[str, list[str]]) -> str:
    return next(
        (value for value in typed_fields.get(first_question.id, []) if value in first_question.values), ""
    )


def _second_screen_context(
    questionnaire: Questionnaire, typed_fields: Mapping[str, list[str]]
) -> dict[str, object]:
    """What only the second screen needs."""
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
    """A comment as it will be kept, and whether anything in it is hidden; or why it cannot be kept."""

    text: str = ""
    is_masked: bool = False
    problem: str = ""

    @classmethod
    def of(cls, typed: str, limit: int) -> "Preview":
        """Look at a comment of at most ``limit`` characters."""
        try:
            kept = answers.clean_and_mask_comment(typed, limit)
        except InvalidAnswer as refused:
            return cls(problem=translated_message(refused.detail, refused.params))
        return cls(kept.text, bool(kept.kinds))


def _build_preview(questions: Sequence[Question], typed_fields: Mapping[str, list[str]]) -> Preview:
    """How the comment will be kept, if one was typed."""
    for question in questions:
        if question.kind == "text" and question.id in typed_fields:
            return Preview.of(typed_fields[question.id][0], question.max_length or LONGEST_COMMENT)
    return Preview()


def _make_form_error(error: FieldError, shown_questions: Sequence[Question]) -> FormError:
    """The mistake in the reader's words; one of the whole form leads to its first question."""
    question_id = error.pointer.removeprefix("/answers").removeprefix("/")
    shown_ids = {question.id for question in shown_questions}
    field = question_id if question_id in shown_ids else None if question_id else shown_questions[0].id
    return FormError(question_id, field, translated_message(error.detail, error.params))


def redirect_to_thanks(recorded: RecordedAnswer) -> ResponseReturnValue:
    """Go where a refresh does no harm."""
    late = 1 if recorded.late else None
    return redirect(
        url_for("survey.thanks", receipt=recorded.receipt, lang=url_language(), late=late), code=303
    )


@bp.errorhandler(Invalid)
def handle_invalid_form(error: Invalid) -> ResponseReturnValue:
    """The same form with what was typed, and what to correct."""
    form, view_args = SurveyForm.from_request(), request.view_args or {}
    try:
        survey = (
            answers_flow.open_survey(view_args["token"], mark_opened=False)
            if "token" in view_args
            else uninvited_answers.open_hall_survey(view_args["centre"])
        )
    except FeedbackError as other_error:  # meanwhile: somebody answered, midnight came, the database is busy
        return current_app.handle_user_exception(other_error)
    other_ids = {question.id for question in survey.questionnaire.questions[1:]}
    is_second = form.is_final or form.is_second_screen or not other_ids.isdisjoint(form.fields)
    return show_screen(survey, is_second=is_second, form=form, errors=error.errors)


@bp.errorhandler(AlreadyAnswered)
def handle_used_invitation(error: AlreadyAnswered) -> ResponseReturnValue:
    """Whoever opens a used link learns the day; whoever posts to it, that it is too late."""
    return respond_with_page("survey/answered.html", 409 if request.method == "POST" else 200, on=error.on)
