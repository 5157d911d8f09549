"""Tablets in halls and at windows: paired once, told what to ask, heard of, and relieved of their answers."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from feedback_service import clock
from feedback_service.access.devices import Tablet
from feedback_service.addresses import hall_address
from feedback_service.api.body import LONGEST_BATCH
from feedback_service.api.kiosk_schemas import (
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
from feedback_service.api.operations import COOKIE, TABLET, Call, Operation, load, operation
from feedback_service.api.problems import problem
from feedback_service.api.replies import instant, reply
from feedback_service.api.surveys import NATIVE, described
from feedback_service.cases import qr
from feedback_service.config import settings
from feedback_service.errors import (
    N_,
    AlreadyAnswered,
    FeedbackError,
    Invalid,
    InvitationCancelled,
    InvitationExpired,
    NotFound,
    TooManyGuesses,
)
from feedback_service.flow import answers as answers_flow
from feedback_service.flow import pairing, tablets
from feedback_service.flow.answers import Given
from feedback_service.flow.tablets import Heartbeat, OpenCase, TabletAnswer
from feedback_service.i18n import own_name
from feedback_service.surveys.answers import check
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.surveys.signals import Pace
from feedback_service.tablets.screen_texts import texts

DEVICE_PATH = "/api/v1/kiosk"
APPROVE_PATH = "/admin/tablets/approve"
KEPT = 400 * 24 * 3600  # seconds; browsers keep no cookie longer, and every heartbeat sends it again
PACE_SECONDS = {
    "poll_seconds": 5,  # that a desk's tablet waits before it asks again whether a case has ended
    "heartbeat_seconds": 60,
    "idle_seconds": 45,
    "warning_seconds": 20,
    "thanks_seconds": 10,
}

bp = Blueprint("kiosk", __name__, url_prefix="/kiosk")


@bp.post("/pairing")
@operation(
    Operation(
        needs=None,
        summary=N_("Ask to pair a tablet: a code to show, which somebody approves"),
        gives={201: (N_("Show the code, then try to pair by device_code."), AskingReply)},
        refuses=(TooManyGuesses,),
    )
)
def ask_to_pair(call: Call) -> Response:
    """Give a tablet a code to show."""
    asking, where = pairing.ask_to_pair(), settings().public_url + APPROVE_PATH
    complete = f"{where}?code={asking.code}"
    told = {
        "device_code": asking.secret,
        "user_code": asking.code,
        "verification_uri": where,
        "verification_uri_complete": complete,
        "qr": qr.svg(complete).decode(),
        "expires_at": instant(asking.until),
        "interval": 5,
    }
    return reply(told, 201)


@bp.post("/pair")
@operation(
    Operation(
        needs=None,
        summary=N_("Pair a tablet by a code that works once, within ten minutes"),
        takes=PairSchema,
        gives={200: (N_("The tablet has its key."), PairedReply)},
        refuses=(NotFound,),
        example={"pairing_code": "K7Q2-7K3M"},
    )
)
def pair_tablet(call: Call) -> Response:
    """Let a tablet in."""
    paired = pairing.pair(call.body["pairing_code"])
    device = {
        "id": str(paired.id),
        "name": paired.name,
        "mode": paired.mode,
        "centre": paired.centre,
        "workplace": paired.workplace,
    }
    return _with_cookie(reply({"key": paired.key, "device": device}), paired.key)


@bp.get("/config")
@operation(
    Operation(
        needs=TABLET,
        summary=N_("What the tablet shows and asks"),
        note=N_(
            "Enough to work without the line. Has an ETag; pending is the case just completed at the workplace."
        ),
        gives={
            200: (N_("Everything, in all languages."), ConfigReply),
            304: (N_("Nothing has changed."), None),
        },
    )
)
def read_config(call: Call) -> Response:
    """Tell the tablet what to show."""
    view = tablets.look(call.tablet)
    steady = _steady(
        str(view.id),
        view.name,
        view.mode,
        view.workplace,
        view.centre,
        view.prefix,
        tuple(view.questionnaires.values()),
        view.languages,
        hall_address(view.centre.code),
    )
    queue_key = {"id": view.queue_key_id, "key": base64.b64encode(view.queue_key).decode()}
    told = {**steady, "queue_key": queue_key, "pending": _open_case(view.pending) if view.pending else None}
    response = reply(told)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


@bp.post("/heartbeat")
@operation(
    Operation(
        needs=TABLET,
        summary=N_("Say how the tablet fares"),
        takes=HeartbeatSchema,
        gives={200: (N_("What time it is here."), HeartbeatReply)},
        example={
            "version": "3f0c2a9d41be",
            "queue": 2,
            "oldest_at": "2026-11-20T10:15:00+02:00",
            "persisted": True,
            "battery": 0.83,
            "time": "2026-11-20T10:20:00+02:00",
        },
    )
)
def heartbeat(call: Call) -> Response:
    """Hear from the tablet."""
    sent = call.body
    sent["waiting"] = sent.pop("queue", 0)
    skew = tablets.beat(call.tablet, Heartbeat(**sent))
    response = reply({"time": instant(clock.now()), "skew_seconds": skew})
    if key := request.cookies.get(COOKIE):
        _with_cookie(response, key)
    return response


@bp.post("/codes")
@operation(
    Operation(
        needs=TABLET,
        summary=N_("Look up the code that somebody typed"),
        note=N_("Wrong codes are counted for each tablet."),
        takes=CodeSchema,
        gives={200: (N_("The case may be rated."), OpenCaseReply)},
        refuses=(NotFound, AlreadyAnswered, InvitationExpired, InvitationCancelled, TooManyGuesses),
        example={"short_code": "7K3M-9QXT"},
    )
)
def look_up_code(call: Call) -> Response:
    """Tell whose case a code is."""
    return reply(_open_case(tablets.find_open_case(call.tablet, call.body["short_code"])))


@bp.post("/responses")
@operation(
    Operation(
        needs=TABLET,
        summary=N_("Deliver what people answered on the tablet"),
        note=N_(
            "Each is judged alone and taken once by its client_id. One whose code is spent, expired or unknown is "
            "kept as a walk-up. A rejected one will never be taken: keep it for the staff and do not send it again."
        ),
        takes=RelieveSchema,
        longest=LONGEST_BATCH,
        gives={200: (N_("What became of each."), RelievedReply)},
        refuses=(TooManyGuesses,),
        example={
            "responses": [
                {
                    "client_id": "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10",
                    "questionnaire": "offline-2026.1",
                    "language": "uk",
                    "answers": {"off.nps": 9, "off.staff": "great"},
                    "answered_at": "2026-11-20T10:15:00+02:00",
                    "short_code": "7K3M-9QXT",
                }
            ]
        },
    )
)
def deliver_answers(call: Call) -> Response:
    """Take what the tablet brings."""
    return reply({"results": _judged(call.tablet, call.body["responses"])})


def _judged(holder: Tablet, items: list[Any]) -> list[dict[str, Any]]:
    """What became of each item of a delivery, as the reply tells it."""
    brought = [_read(item) for item in items]
    results = []
    for place, (item, became) in enumerate(zip(items, tablets.deliver(holder, brought), strict=True)):
        sent_id = item.get("client_id") if isinstance(item, Mapping) else None
        told = {"client_id": sent_id, "status": became}
        if isinstance(became, FeedbackError):
            tablets.note_refused(holder, str(sent_id) if sent_id else json.dumps(item), _in_words(became))
            told |= {"status": "rejected", "problem": problem(became, within=f"/responses/{place}")}
        results.append(told)
    return results


def _in_words(refusal: FeedbackError) -> str:
    """The reason that the staff will read."""
    told = problem(refusal)
    return "; ".join(f"{e['pointer']}: {e['detail']}" for e in told.get("errors", ())) or str(told["detail"])


def _read(item: Any) -> TabletAnswer | FeedbackError:
    try:
        sent = load(ItemSchema, item)
    except Invalid as wrong:
        return wrong
    answers = sent.pop("answers")
    return TabletAnswer(**sent | {"given": _checked(answers), "pace": Pace(**sent.pop("pace", None) or {})})


def _checked(answers: Mapping[str, Any]) -> Given:
    return lambda questionnaire: check(questionnaire, answers)


@lru_cache(maxsize=256)
def _steady(
    id: str,
    name: str,
    mode: str,
    workplace: str | None,
    centre: answers_flow.CentreFacts,
    prefix: str,
    questionnaires: tuple[Questionnaire, ...],
    languages: tuple[str, ...],
    hall: str,
) -> dict[str, Any]:
    """The part of a configuration that is the same from one minute to the next."""

    def asked(language: str) -> dict[str, Any]:
        told: dict[str, Any] = {one.front_office: described(one, centre, language) for one in questionnaires}
        for survey in told.values():
            survey["questions"] = [each for each in survey["questions"] if each["kind"] != "text"]
        return told

    return {
        "device": {"id": id, "name": name, "mode": mode, "centre": centre.code, "workplace": workplace},
        "questionnaires": asked(NATIVE),
        "translations": {language: asked(language) for language in languages if language != NATIVE},
        "texts": {language: texts(language) for language in languages},
        "languages": {language: own_name(language) for language in languages},
        "settings": PACE_SECONDS
        | {"code_prefix": prefix, "hall_url": hall, "hall_qr": qr.svg(hall).decode()},
    }


def _open_case(case: OpenCase) -> dict[str, Any]:
    return {
        "short_code": case.short_code,
        "service": case.service,
        "front_office": case.front_office,
        "expires_at": instant(case.until) if case.until else None,
    }


def _with_cookie(response: Response, key: str) -> Response:
    """The browser keeps the key where no script reads it, and sends it to nobody but us, from our own pages."""
    response.set_cookie(
        COOKIE,
        key,
        max_age=KEPT,
        path=DEVICE_PATH,
        httponly=True,
        samesite="Strict",
        secure=settings().public_url.startswith("https:"),
    )
    return response
