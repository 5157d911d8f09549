"""Draws the two screens of the survey, with what was typed and what to correct in it.

A screen in which nothing but the first answer was given is rendered once and filled in for each reader.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from uuid import uuid4

from flask import Response, render_template, request
from markupsafe import Markup

from feedback_service.errors import FieldError, Invalid
from feedback_service.flow.answers import Survey
from feedback_service.i18n import current_language
from feedback_service.surveys.answers import InvalidAnswer, clean_and_mask_comment
from feedback_service.surveys.questionnaires import LONGEST_COMMENT, Question, Questionnaire
from kiosk_ui.forms import FormError
from kiosk_ui.languages import in_current_language, set_available_languages, translated_message
from kiosk_ui.page_cache import make_placeholder, respond_with_cached_page
from kiosk_ui.pages import address, current_path, render, respond
from kiosk_ui.survey.form import SurveyForm


def show_screen(
    survey: Survey,
    *,
    is_second: bool,
    form: SurveyForm | None = None,
    errors: Sequence[FieldError] = (),
    status: int = 200,
) -> Response:
    """Return the first or the second screen, with everything that was typed and what to correct in it.

    With ``?step=`` a person goes to the other screen. The answers of a draft are never shown; what was typed for
    their questions is left out.
    """
    if form is None and (requested_step := request.args.get("step")) in ("1", "2"):
        is_second = requested_step == "2"
    set_available_languages(survey.centre.languages)
    first_question, *other_questions = survey.questionnaire.questions
    client_id = form.client_id if form else uuid4()
    typed_fields = {name: typed for name, typed in form.fields.items() if name not in survey.taken} if form else {}
    place_html = _render_place(survey.centre.name, survey.service, survey.completed_on, current_language())
    if not errors and not any(question.id in typed_fields for question in other_questions):
        common_survey = replace(survey, service=None, completed_on=None)
        return respond_with_cached_page(
            _render_untouched,
            common_survey,
            is_second,
            _chosen_rating(first_question, typed_fields),
            status=status,
            client_id=str(client_id),
            place=place_html,
        )
    form_errors = [_make_form_error(error, other_questions if is_second else [first_question]) for error in errors]
    html = _render_screen(current_path(), survey, is_second, str(client_id), place_html, typed_fields, form_errors)
    return respond(html, 422 if errors else status)


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
    is_shown = any(question.id == question_id for question in shown_questions)
    message = translated_message(error.detail, error.params)
    return FormError(question_id if is_shown else None, message, None if question_id else shown_questions[0].id)


def show_invalid_form(survey: Survey, form: SurveyForm, error: Invalid) -> Response:
    """Return the screen that the form was sent from, with what was typed and what to correct; status 422."""
    other_ids = {question.id for question in survey.questionnaire.questions[1:]}
    is_second = form.is_final or form.is_second_screen or not other_ids.isdisjoint(form.fields)
    return show_screen(survey, is_second=is_second, form=form, errors=error.errors)
