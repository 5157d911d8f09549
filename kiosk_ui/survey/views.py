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
from feedback_service.flow import direct, receipts
from feedback_service.flow.answers import NOTHING_ANSWERED, Recorded, Survey
from feedback_service.i18n import language
from feedback_service.surveys import answers
from feedback_service.surveys.answers import Answers, Refused
from feedback_service.surveys.questionnaires import LONGEST_COMMENT, Question, Questionnaire
from kiosk_ui.languages import in_language, offer, spoken, told
from kiosk_ui.pages import address, drawn, here, page, path, reply, way
from kiosk_ui.prepared import blank, prepared

bp = Blueprint("survey", __name__, template_folder="templates")

# Programs that fetch a link to draw its preview say so; nobody has read the page then.
_PREVIEWS = re.compile(r"^(WhatsApp|Viber)/|bot\b|facebookexternalhit|crawler|spider|preview", re.IGNORECASE)


_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


# --- a case's link ---


@bp.get("/s/<token>")
@bp.get("/S/<token>")
def ask(token: str) -> ResponseReturnValue:
    """The screen that this survey has come to. Looking spends nothing."""
    survey = answers_flow.open_survey(token, counts=read_by_a_person())
    return screen(survey, second=survey.begun)


@bp.post("/s/<token>")
@bp.post("/S/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Keep what was chosen and show the rest, or make the answer final."""
    sent = Sent.read()
    if sent.again:
        return screen(answers_flow.open_survey(token, counts=False), second=True, sent=sent)
    source = "sms_viber" if way() else "qr_case"
    step = answers_flow.finish if sent.final else answers_flow.keep_begun
    done = step(
        token,
        client_id=sent.client_id,
        given=sent.given,
        language=language(),
        source=source,
        whole=sent.whole,
    )
    return thank(done) if isinstance(done, Recorded) else screen(done, second=True, sent=sent)


# --- the hall's code ---


@bp.get("/c/<centre>")
@bp.get("/C/<centre>")
def ask_in_hall(centre: str) -> ResponseReturnValue:
    """The same questions for whoever scans the code on the wall."""
    return screen(direct.open_hall(centre), second=False)


@bp.post("/c/<centre>")
@bp.post("/C/<centre>")
def answer_in_hall(centre: str) -> ResponseReturnValue:
    """Show the rest with the first answer carried along, or make the answer final."""
    sent = Sent.read()
    if sent.final:
        return thank(
            direct.record_in_hall(centre, client_id=sent.client_id, given=sent.given, language=language())
        )
    survey = direct.open_hall(centre)
    if not sent.again and sent.given(survey.questionnaire).empty:
        raise Invalid.field("/answers", NOTHING_ANSWERED)
    return screen(survey, second=True, sent=sent)


# --- afterwards ---


@bp.get("/r/<receipt>")
@bp.get("/R/<receipt>")
def thanks(receipt: str) -> ResponseReturnValue:
    """What happens with the answer now, and how to hold it. May be opened again and again."""
    found = receipts.read_receipt(receipt)
    offer(found.centre.languages)
    return page("survey/thanks.html", thanks=found, receipt=receipt, late="late" in request.args)


@bp.post("/r/<receipt>")
@bp.post("/R/<receipt>")
def take_back(receipt: str) -> ResponseReturnValue:
    """The answer's author deletes it."""
    receipts.withdraw(receipt)
    return redirect(here(), code=303)


@bp.post("/masked")
def masked() -> ResponseReturnValue:
    """What would be hidden in a comment; the text is looked at and forgotten."""
    text, limit = request.form.get("any.comment", ""), request.args.get("limit", LONGEST_COMMENT, type=int)
    return render_template("survey/masked.html", preview=Preview.of(text, min(limit, LONGEST_COMMENT)))


# --- what the views are made of ---


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form brought: its fields as typed, who typed them, and which button was pressed."""

    fields: dict[str, list[str]]
    client_id: UUID
    final: bool  # Send, or Skip
    skip: bool  # only the first answer shall count
    again: bool  # show the same screen once more (another language, a preview): nothing is kept
    whole: bool  # it is the second screen, which shows every question but the first

    @classmethod
    def read(cls) -> "Sent":
        """This request's form. A client id that is none is replaced: it could not be repeated anyway."""
        form = request.form
        try:
            client_id = UUID(form.get("client_id", ""))
        except ValueError:
            client_id = uuid4()
        button = form.get("finish", "")
        skip = button == "skip"
        return cls(
            form.to_dict(flat=False),
            client_id,
            final=bool(button),
            skip=skip,
            again="again" in form,
            whole="rest" in form and not skip,
        )

    def given(self, questionnaire: Questionnaire) -> Answers:
        """The checked answers; ``Invalid`` names every one that breaks a rule."""
        first = questionnaire.first.id
        fields = {first: self.fields.get(first, [])} if self.skip else self.fields
        return answers.check(questionnaire, answers.from_form(questionnaire, fields))


@dataclass(frozen=True, slots=True)
class Mistake:
    """What to correct: the question, the field that its message leads to (if this screen has it), the words."""

    question: str
    field: str | None
    message: str


def read_by_a_person() -> bool:
    """Whether somebody follows the link: not a prefetch, not a preview, not a look by HEAD."""
    asks = request.environ
    purpose = " ".join(asks.get(name, "") for name in _PURPOSES).lower()
    return (
        request.method == "GET"
        and not any(word in purpose for word in ("prefetch", "prerender", "preview"))
        and asks.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        and not _PREVIEWS.search(asks.get("HTTP_USER_AGENT", ""))
    )


def screen(
    survey: Survey,
    *,
    second: bool,
    sent: Sent | None = None,
    errors: Sequence[FieldError] = (),
) -> ResponseReturnValue:
    """The first or the second screen, with everything that was typed and what to correct in it.

    ``?step=`` lets a person go to the other one by herself; nothing kept earlier is ever shown.
    """
    if sent is None and (wish := request.args.get("step")) in ("1", "2"):
        second = wish == "2"
    offer(survey.centre.languages)
    first, *rest = survey.questionnaire.questions
    typed, client_id = (sent.fields, sent.client_id) if sent else ({}, uuid4())
    place = _place(survey.centre.name, survey.service, survey.completed_on, language())
    if not errors and not any(question.id in typed for question in rest):
        shared = replace(survey, service=None, completed_on=None)
        return prepared(
            _untouched, shared, second, _rating(first, typed), client_id=str(client_id), place=place
        )
    mistakes = [_mistake(error, rest if second else [first]) for error in errors]
    return reply(
        _html(path(), survey, second, str(client_id), place, typed, mistakes), 422 if errors else 200
    )


def _untouched(path: str, survey: Survey, second: bool, rating: str) -> str:
    """A screen in which nothing was typed but the first answer; client and case are blanks."""
    typed = {survey.questionnaire.first.id: [rating]}
    return _html(path, survey, second, blank("client_id"), blank("place"), typed, ())


def _html(
    path: str,
    survey: Survey,
    second: bool,
    client_id: str,
    place: str,
    typed: Mapping[str, list[str]],
    errors: Sequence[Mistake],
) -> str:
    shared = {
        "survey": survey,
        "centre": survey.centre,
        "place": place,
        "address": address(path),
        "here": partial(address, path),
        "client_id": client_id,
        "errors": errors,
    }
    if second:
        return drawn("survey/rest.html", **shared, **_second(survey.questionnaire, typed))
    return drawn("survey/first.html", **shared, question=survey.questionnaire.first)


@lru_cache(maxsize=1024)
def _place(centre: str, service: str | None, completed_on: date | None, language: str) -> Markup:
    """Whose survey it is, in the language being spoken."""
    facts = {"centre": centre, "service": service, "completed_on": completed_on}
    return Markup(render_template("survey/place.html", **facts))


def _rating(first: Question, typed: Mapping[str, list[str]]) -> str:
    return next((value for value in typed.get(first.id, []) if value in first.values), "")


def _second(questionnaire: Questionnaire, typed: Mapping[str, list[str]]) -> dict[str, object]:
    """What only the second screen needs."""
    first, *rest = questionnaire.questions
    rating = _rating(first, typed)
    words = {option.value: in_language(option.text) for option in first.options}
    return {
        "questions": rest,
        "first": first,
        "rating": rating,
        "rating_in_words": words.get(rating, rating),
        "was_poor": questionnaire.poor({first.id: rating}),
        "poor": {
            (question.id, value)
            for question in rest
            for value in question.values
            if questionnaire.poor({question.id: value})
        },
        "typed": typed,
        "preview": _preview(rest, typed),
    }


@dataclass(frozen=True, slots=True)
class Preview:
    """A comment as it will be kept, and whether anything in it is hidden; or why it cannot be kept."""

    text: str = ""
    hides: bool = False
    problem: str = ""

    @classmethod
    def of(cls, typed: str, limit: int) -> "Preview":
        """Look at a comment of at most ``limit`` characters."""
        try:
            kept = answers.comment(typed, limit)
        except Refused as refused:
            return cls(problem=told(refused.detail, refused.params))
        return cls(kept.text, bool(kept.kinds))


def _preview(questions: Sequence[Question], typed: Mapping[str, list[str]]) -> Preview:
    """How the comment will be kept, if one was typed."""
    for question in questions:
        if question.kind == "text" and question.id in typed:
            return Preview.of(typed[question.id][0], question.max_length or LONGEST_COMMENT)
    return Preview()


def _mistake(error: FieldError, shown: Sequence[Question]) -> Mistake:
    """The mistake in the reader's words; one of the whole form leads to its first question."""
    name = error.pointer.removeprefix("/answers").removeprefix("/")
    here_is = {question.id for question in shown}
    field = name if name in here_is else None if name else shown[0].id
    return Mistake(name, field, told(error.detail, error.params))


def thank(recorded: Recorded) -> ResponseReturnValue:
    """Go where a refresh does no harm."""
    late = 1 if recorded.late else None
    return redirect(url_for("survey.thanks", receipt=recorded.receipt, lang=spoken(), late=late), code=303)


@bp.errorhandler(Invalid)
def correct(error: Invalid) -> ResponseReturnValue:
    """The same form with what was typed, and what to correct."""
    sent, place = Sent.read(), request.view_args or {}
    try:
        survey = (
            answers_flow.open_survey(place["token"], counts=False)
            if "token" in place
            else direct.open_hall(place["centre"])
        )
    except FeedbackError as closed:  # meanwhile: somebody answered, midnight came, the database is busy
        return current_app.handle_user_exception(closed)
    rest = {question.id for question in survey.questionnaire.questions[1:]}
    second = sent.final or sent.whole or not rest.isdisjoint(sent.fields)
    return screen(survey, second=second, sent=sent, errors=error.errors)


@bp.errorhandler(AlreadyAnswered)
def spent(error: AlreadyAnswered) -> ResponseReturnValue:
    """Whoever opens a used link learns the day; whoever posts to it, that it is too late."""
    return page("survey/answered.html", 409 if request.method == "POST" else 200, on=error.on)
