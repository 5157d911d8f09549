"""Tablets: they are paired, read what to show, report their state, look up codes and deliver answers."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext

from feedback_service import clock
from feedback_service.addresses import hall_address
from feedback_service.api.endpoint import COOKIE, TABLET, Call, Operation, parse_item
from feedback_service.api.json_reply import dump_reply, json_response, respond
from feedback_service.api.problems import problem_to_json
from feedback_service.api.request_body import MAX_BATCH_BYTES
from feedback_service.api.surveys import CLOSED_ERRORS, FALLBACK_LANGUAGE, questionnaire_to_json
from feedback_service.api.tablet_schemas import (
    AskingReply,
    CodeSchema,
    ConfigReply,
    HeartbeatReply,
    HeartbeatSchema,
    ItemSchema,
    OpenCaseReply,
    PairedReply,
    PairSchema,
    RelievedReply,
    RelieveSchema,
)
from feedback_service.config import current_settings
from feedback_service.errors import N_, FeedbackError, Invalid, NotFound, TooManyGuesses
from feedback_service.facts import PublicCentre
from feedback_service.flow import tablet_answers, tablet_pairing, tablet_screens
from feedback_service.flow.tablet_answers import TabletAnswer
from feedback_service.flow.tablet_screens import Heartbeat
from feedback_service.i18n import own_name
from feedback_service.printing import qr
from feedback_service.surveys.answers import JsonSubmission
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.screen_texts import translate_texts
from feedback_service.tablets.signals import AnsweringPace

DEVICE_PATH = "/api/v1/kiosk"
APPROVE_PATH = "/admin/tablets/approve"
COOKIE_SECONDS = 400 * 24 * 3600  # browsers keep no cookie longer; every heartbeat sends it again
SCREEN_TIMINGS = {
    "poll_seconds": 5,  # after which a desk's tablet asks again whether a case has ended
    "heartbeat_seconds": 60,
    "idle_seconds": 45,
    "warning_seconds": 20,
    "thanks_seconds": 10,
}

bp = Blueprint("kiosk", __name__, url_prefix="/kiosk")


@bp.post("/pairing")
@Operation(
    needs=None,
    summary=N_("Ask to pair a tablet: a code to show, which somebody approves"),
    gives={201: (N_("Show the code, then try to pair by device_code."), AskingReply)},
)
def ask_to_pair(call: Call) -> Response:
    """Give a tablet a code to show."""
    pairing, approve_url = tablet_pairing.ask_to_pair(), current_settings().public_url + APPROVE_PATH
    approve_url_with_code = f"{approve_url}?code={pairing.code}"
    members = {
        "device_code": pairing.secret,
        "user_code": pairing.code,
        "verification_uri": approve_url,
        "verification_uri_complete": approve_url_with_code,
        "qr": qr.render_svg(approve_url_with_code).decode(),
        "expires_at": pairing.until,
        "interval": 5,
    }
    return respond(AskingReply, members, 201)


@bp.post("/pair")
@Operation(
    needs=None,
    summary=N_("Pair a tablet by a code that works once, within ten minutes"),
    takes=PairSchema,
    gives={200: (N_("The tablet has its key."), PairedReply)},
    refuses=(NotFound,),
)
def pair_tablet(call: Call) -> Response:
    """Pair a tablet and return its key."""
    paired = tablet_pairing.pair_tablet(call.body["pairing_code"])
    return _set_key_cookie(respond(PairedReply, {"key": paired.key, "device": paired}), paired.key)


@bp.get("/config")
@Operation(
    needs=TABLET,
    summary=N_("What the tablet shows and asks"),
    note=N_("Enough to work without the line. Has an ETag; pending is the case just completed at the workplace."),
    gives={
        200: (N_("Everything, in all languages."), ConfigReply),
        304: (N_("Nothing has changed."), None),
    },
)
def read_config(call: Call) -> Response:
    """Return what the tablet shows."""
    config = tablet_screens.read_screen_config(call.tablet)
    stable_part = _build_stable_part(
        str(config.id),
        config.name,
        config.mode,
        config.workplace,
        config.centre,
        config.prefix,
        tuple(config.questionnaires.values()),
        config.languages,
        hall_address(config.centre.code),
    )
    queue_key = {"id": config.queue_key_id, "key": base64.b64encode(config.queue_key).decode()}
    members = {
        **stable_part,
        "queue_key": queue_key,
        "pending": dump_reply(OpenCaseReply, config.pending) if config.pending else None,
    }
    response = json_response(members)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


@bp.post("/heartbeat")
@Operation(
    needs=TABLET,
    summary=N_("Say how the tablet fares"),
    takes=HeartbeatSchema,
    gives={200: (N_("What time it is here."), HeartbeatReply)},
)
def heartbeat(call: Call) -> Response:
    """Record the state of the tablet and return the time."""
    members = call.body
    members["waiting"] = members.pop("queue", 0)
    skew = tablet_screens.record_heartbeat(call.tablet, Heartbeat(**members))
    response = respond(HeartbeatReply, {"time": clock.now(), "skew_seconds": skew})
    if key := request.cookies.get(COOKIE):
        _set_key_cookie(response, key)
    return response


@bp.post("/codes")
@Operation(
    needs=TABLET,
    summary=N_("Look up the code that somebody typed"),
    note=N_("Wrong codes are counted for each tablet."),
    takes=CodeSchema,
    gives={200: (N_("The case may be rated."), OpenCaseReply)},
    refuses=(*CLOSED_ERRORS, TooManyGuesses),
)
def look_up_code(call: Call) -> Response:
    """Return the case of a short code."""
    return respond(OpenCaseReply, tablet_screens.find_open_case(call.tablet, call.body["short_code"]))


@bp.post("/responses")
@Operation(
    needs=TABLET,
    summary=N_("Deliver what people answered on the tablet"),
    note=N_(
        "Each is judged alone and taken once by its client_id. One whose code is spent, expired or unknown is "
        "kept as a walk-up. A rejected one will never be taken: keep it for the staff and do not send it again."
    ),
    takes=RelieveSchema,
    max_bytes=MAX_BATCH_BYTES,
    gives={200: (N_("What became of each."), RelievedReply)},
    refuses=(TooManyGuesses,),
)
def deliver_answers(call: Call) -> Response:
    """Store the answers that the tablet delivers; return what became of each."""
    return respond(RelievedReply, {"results": _accept_items(call.tablet, call.body["responses"])})


def _accept_items(calling_tablet: AuthenticatedTablet, items: list[Any]) -> list[dict[str, Any]]:
    """Store each item of a delivery; return the members of the reply for each."""
    parsed_items = [_parse_item(item) for item in items]
    results = []
    for index, (item, outcome) in enumerate(
        zip(items, tablet_answers.accept_answers(calling_tablet, parsed_items), strict=True)
    ):
        sent_id = item.get("client_id") if isinstance(item, Mapping) else None
        result = {"client_id": sent_id, "status": outcome}
        if isinstance(outcome, FeedbackError):
            tablet_answers.record_refused_answer(
                calling_tablet, str(sent_id) if sent_id else json.dumps(item), outcome, gettext
            )
            result |= {
                "status": "rejected",
                "problem": problem_to_json(outcome, pointer_prefix=f"/responses/{index}"),
            }
        results.append(result)
    return results


def _parse_item(item: Any) -> TabletAnswer | FeedbackError:
    members = parse_item(ItemSchema, item)
    if isinstance(members, Invalid):
        return members
    submission = JsonSubmission(members.pop("answers"))
    pace = AnsweringPace(**members.pop("pace", None) or {})
    return TabletAnswer(submission=submission, pace=pace, **members)


@lru_cache(maxsize=256)
def _build_stable_part(
    id: str,
    name: str,
    mode: str,
    workplace: str | None,
    centre: PublicCentre,
    prefix: str,
    questionnaires: tuple[Questionnaire, ...],
    languages: tuple[str, ...],
    hall_url: str,
) -> dict[str, Any]:
    """Return the members of a configuration that seldom change."""

    def describe_questionnaires(language: str) -> dict[str, Any]:
        surveys: dict[str, Any] = {
            questionnaire.front_office: questionnaire_to_json(questionnaire, centre, language)
            for questionnaire in questionnaires
        }
        for survey in surveys.values():
            survey["questions"] = [question for question in survey["questions"] if question["kind"] != "text"]
        return surveys

    return {
        "device": {"id": id, "name": name, "mode": mode, "centre": centre.code, "workplace": workplace},
        "questionnaires": describe_questionnaires(FALLBACK_LANGUAGE),
        "translations": {
            language: describe_questionnaires(language) for language in languages if language != FALLBACK_LANGUAGE
        },
        "texts": {language: translate_texts(language) for language in languages},
        "languages": {language: own_name(language) for language in languages},
        "settings": SCREEN_TIMINGS
        | {"code_prefix": prefix, "hall_url": hall_url, "hall_qr": qr.render_svg(hall_url).decode()},
    }


def _set_key_cookie(response: Response, key: str) -> Response:
    """Set the key as a cookie that no script can read, and that only our own pages send, only to us."""
    response.set_cookie(
        COOKIE,
        key,
        max_age=COOKIE_SECONDS,
        path=DEVICE_PATH,
        httponly=True,
        samesite="Strict",
        secure=current_settings().public_url.startswith("https:"),
    )
    return response
