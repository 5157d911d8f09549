"""Surveys for portals that show their own form, and answers that staff type in."""

from typing import Any

from flask import Blueprint, Response

from feedback_service.api.endpoint import Call, Operation
from feedback_service.api.json_reply import json_response, respond
from feedback_service.api.schemas import AnswersSchema, AssistedSchema, RecordedReply, SurveyQuery, SurveyReply
from feedback_service.errors import (
    N_,
    AlreadyAnswered,
    BegunElsewhere,
    InvitationCancelled,
    InvitationExpired,
    NotFound,
    OtherAnswer,
)
from feedback_service.facts import PublicCentre
from feedback_service.flow import answers, uninvited_answers
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, Survey
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.surveys.answers import JsonSubmission
from feedback_service.surveys.questionnaires import Question, Questionnaire

FALLBACK_LANGUAGE = "uk"  # every questionnaire has it
TOKEN_PARAMETER = {"token": N_("The secret in the link; capitals and small letters are the same.")}
CLOSED_ERRORS = (NotFound, AlreadyAnswered, InvitationExpired, InvitationCancelled)

bp = Blueprint("surveys", __name__)


@bp.get("/surveys/<token>")
@Operation(
    needs=None,
    summary=N_("Read the survey behind a link"),
    note=N_("The token is the credential. Reading spends nothing and does not count as opened."),
    query=SurveyQuery,
    gives={200: (N_("What the person is asked."), SurveyReply)},
    refuses=CLOSED_ERRORS,
    path=TOKEN_PARAMETER,
)
def read_survey(call: Call, token: str) -> Response:
    """Return what the person is asked, in one language."""
    survey = answers.open_survey(token, mark_opened=False)
    return json_response(_survey_to_json(survey, call.query["lang"]))


@bp.post("/surveys/<token>/responses")
@Operation(
    needs=None,
    summary=N_("Answer by a link"),
    note=N_(
        "The answer is final. The same answer with the same client_id again gets the same receipt; another answer "
        "or another client_id gets 409. If another page began to answer, what was answered there stays, the rest "
        "of yours joins it, and 409 names the questions if there is no rest. At least one question must be "
        "answered; a comment is masked before it is stored."
    ),
    takes=AnswersSchema,
    gives={
        201: (N_("The answer is recorded."), RecordedReply),
        200: (N_("This client's answer had been recorded before."), RecordedReply),
    },
    refuses=(*CLOSED_ERRORS, BegunElsewhere, OtherAnswer),
    path=TOKEN_PARAMETER,
)
def answer(call: Call, token: str) -> Response:
    """Store a person's final answer."""
    body = call.body
    recorded = answers.submit_answer(
        token,
        SentAnswer(
            client_id=body["client_id"],
            submission=JsonSubmission(body["answers"]),
            language=body["language"],
            source="qr_case",
        ),
        refuses_other_answer=True,
    )
    return _respond_recorded(recorded)


@bp.post("/responses")
@Operation(
    needs="responses:write",
    summary=N_("Enter an answer given by phone, on paper, by message or on the map of centres"),
    note=N_(
        "A client_id means something within its centre: sending the same again is safe, and another answer with "
        "the same client_id gets 409."
    ),
    takes=AssistedSchema,
    gives={
        201: (N_("The answer is recorded."), RecordedReply),
        200: (N_("This client's answer had been recorded before."), RecordedReply),
    },
    refuses=(NotFound, OtherAnswer),
)
def enter_answer(call: Call) -> Response:
    """Store an answer that staff heard or read."""
    submission = JsonSubmission(call.body.pop("answers"))
    assisted_answer = AssistedAnswer(submission=submission, **call.body)
    return _respond_recorded(uninvited_answers.record_assisted_answer(assisted_answer, centres=call.centres))


def _respond_recorded(recorded: RecordedAnswer) -> Response:
    return respond(RecordedReply, recorded, 200 if recorded.repeated else 201)


def _survey_to_json(survey: Survey, language: str) -> dict[str, Any]:
    completed_on = survey.completed_on.isoformat() if survey.completed_on else None
    members = questionnaire_to_json(survey.questionnaire, survey.centre, language)
    return members | {"service": {"title": survey.service}, "completed_on": completed_on}


def questionnaire_to_json(questionnaire: Questionnaire, centre: PublicCentre, language: str) -> dict[str, Any]:
    """Return what a centre asks, in this language if the questionnaire has it, else in Ukrainian; without a service."""
    shown_language = language if language in questionnaire.languages else FALLBACK_LANGUAGE
    return {
        "version": questionnaire.version,
        "front_office": questionnaire.front_office,
        "language": shown_language,
        "centre": {
            "code": centre.code,
            "name": centre.name,
            "controller": centre.controller,
            "contact": centre.contact,
        },
        "service": {"title": None},
        "completed_on": None,
        "poor_values": sorted(questionnaire.poor_values),
        "questions": [_question_to_json(question, shown_language) for question in questionnaire.questions],
    }


def _question_to_json(question: Question, language: str) -> dict[str, Any]:
    return {
        "id": question.id,
        "kind": question.kind,
        "text": question.text[language],
        "options": [{"value": option.value, "text": option.text[language]} for option in question.options],
        "required": False,
        "follow_up": question.follow_up,
        "low": question.low.get(language),
        "high": question.high.get(language),
        "max_length": question.max_length,
        "stands_alone": sorted(question.exclusive),
    }
