"""Portals that draw their own form, and staff who type in what they heard."""

from typing import Any

from flask import Blueprint, Response

from feedback_service.api.operations import Call, Operation, operation
from feedback_service.api.replies import reply
from feedback_service.api.schemas import (
    AnswersSchema,
    AssistedSchema,
    RecordedReply,
    SurveyQuery,
    SurveyReply,
)
from feedback_service.errors import N_, AlreadyAnswered, InvitationCancelled, InvitationExpired, NotFound
from feedback_service.flow import answers as answers_flow
from feedback_service.flow import direct
from feedback_service.flow.answers import CentreFacts, Recorded, Survey
from feedback_service.flow.direct import AssistedAnswer
from feedback_service.surveys.answers import check
from feedback_service.surveys.questionnaires import Question, Questionnaire

NATIVE = "uk"  # what a questionnaire certainly speaks
CLIENT = "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10"
TOKEN = {"token": N_("The secret in the link; capitals and small letters are the same.")}
CLOSED = (NotFound, AlreadyAnswered, InvitationExpired, InvitationCancelled)

bp = Blueprint("surveys", __name__)


@bp.get("/surveys/<token>")
@operation(
    Operation(
        needs=None,
        summary=N_("Read the survey behind a link"),
        note=N_("The token is the credential. Reading spends nothing and does not count as opened."),
        query=SurveyQuery,
        gives={200: (N_("What the person is asked."), SurveyReply)},
        refuses=CLOSED,
        path=TOKEN,
    )
)
def read_survey(call: Call, token: str) -> Response:
    """What the person is asked, in one language."""
    return reply(_survey(answers_flow.open_survey(token, counts=False), call.query["lang"]))


@bp.post("/surveys/<token>/responses")
@operation(
    Operation(
        needs=None,
        summary=N_("Answer by a link"),
        note=N_(
            "The answer is final. The same client_id again gets the same receipt, another one 409. At least one "
            "question must be answered; a comment is masked before it is stored."
        ),
        takes=AnswersSchema,
        gives={
            201: (N_("The answer is recorded."), RecordedReply),
            200: (N_("This client's answer had been recorded before."), RecordedReply),
        },
        refuses=CLOSED,
        example={
            "client_id": CLIENT,
            "language": "uk",
            "answers": {
                "off.nps": 9,
                "off.staff": "great",
                "any.reasons": ["seats"],
                "any.comment": "Дякую, все швидко.",
            },
        },
        path=TOKEN,
    )
)
def answer(call: Call, token: str) -> Response:
    """Take a person's answers."""
    sent = call.body
    return _recorded(
        answers_flow.finish(
            token,
            client_id=sent["client_id"],
            given=lambda questionnaire: check(questionnaire, sent["answers"]),
            language=sent["language"],
            source="qr_case",
        )
    )


@bp.post("/responses")
@operation(
    Operation(
        needs="responses:write",
        summary=N_("Enter an answer given by phone, on paper, by message or on the map of centres"),
        note=N_("A client_id means something within its centre: sending the same again is safe."),
        takes=AssistedSchema,
        gives={
            201: (N_("The answer is recorded."), RecordedReply),
            200: (N_("This client's answer had been recorded before."), RecordedReply),
        },
        refuses=(NotFound,),
        example={
            "client_id": CLIENT,
            "centre": "SN12000007",
            "service": {"code": "00034"},
            "front_office": "offline",
            "source": "paper_box",
            "answered_on": "2026-11-20",
            "language": "uk",
            "answers": {"off.nps": 7, "off.premises": "acceptable", "any.reasons": ["seats", "queue"]},
        },
    )
)
def enter_answer(call: Call) -> Response:
    """Take an answer that staff heard or read."""
    sent = call.body
    answers = sent.pop("answers")
    told = AssistedAnswer(**sent)
    return _recorded(
        direct.record_assisted(
            told, given=lambda questionnaire: check(questionnaire, answers), centres=call.centres
        )
    )


def _recorded(recorded: Recorded) -> Response:
    told = {"id": str(recorded.id), "receipt": recorded.receipt}
    return reply(told, 200 if recorded.repeated else 201)


def _survey(survey: Survey, language: str) -> dict[str, Any]:
    completed_on = survey.completed_on.isoformat() if survey.completed_on else None
    told = described(survey.questionnaire, survey.centre, language)
    return told | {"service": {"title": survey.service}, "completed_on": completed_on}


def described(questionnaire: Questionnaire, centre: CentreFacts, language: str) -> dict[str, Any]:
    """What a centre asks, in one language, else in Ukrainian; of no service yet."""
    spoken = language if language in questionnaire.languages else NATIVE
    return {
        "version": questionnaire.version,
        "front_office": questionnaire.front_office,
        "language": spoken,
        "centre": {
            "code": centre.code,
            "name": centre.name,
            "controller": centre.controller,
            "contact": centre.contact,
        },
        "service": {"title": None},
        "completed_on": None,
        "poor_values": sorted(questionnaire.poor_values),
        "questions": [_question(question, spoken) for question in questionnaire.questions],
    }


def _question(question: Question, language: str) -> dict[str, Any]:
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
