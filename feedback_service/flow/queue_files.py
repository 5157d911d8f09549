"""Answers that a stuck tablet saved to a file: sealed there, opened here, judged as if the tablet had sent them."""

import base64
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.access.devices import Tablet
from feedback_service.cases.tokens import keyring
from feedback_service.config import settings
from feedback_service.database import reading
from feedback_service.documents import strict_json
from feedback_service.errors import N_, FeedbackError, Invalid
from feedback_service.flow.tablets import TabletAnswer, deliver, note_refused
from feedback_service.models import Centre, Device
from feedback_service.surveys.answers import check
from feedback_service.surveys.signals import Pace
from feedback_service.text import clean

KIND = "tablet-queue"
NONCE = 12  # bytes before what AES-256-GCM made; the client id is authenticated with it
NOT_A_QUEUE = N_("This is no file that a tablet saved.")
NOT_OURS = N_("No tablet of this installation saved this file.")
CHANGED = N_("The file was changed, or saved under keys that this installation no longer has.")


def _in_words(refusal: FeedbackError) -> str:
    """Where and why, in the words of the catalogue."""
    if not isinstance(refusal, Invalid):
        return refusal.detail or refusal.title
    return "; ".join(f"{wrong.pointer} {wrong.detail % wrong.params}".strip() for wrong in refusal.errors)


def take_queue_file(
    document: Any,
    centres: Collection[str] | None = None,
    in_words: Callable[[FeedbackError], str] = _in_words,
) -> Counter[str]:
    """Every answer in the file is taken, once however often it is sent or brought; how many became what.

    A browser may hold answers of more than one place, if it was paired again: each is sealed for its own. One that
    cannot be opened, or is of another centre, spoils no other. ``in_words`` tells the staff why something is no
    answer. Raises ``Invalid`` for a file that no tablet saved, or none of these ``centres``, if they are named, and
    when nothing in it opens.
    """
    try:
        kind, place = document["vidhuk"], document["device"]
        sealed = [
            (uuid.UUID(item.get("device", place)), str(item["client_id"]), base64.b64decode(item["sealed"]))
            for item in document["items"]
        ]
        tablets = {id: _tablet(id, centres) for id in {uuid.UUID(place), *(id for id, *_ in sealed)}}
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Invalid.field("", NOT_A_QUEUE) from None
    if kind != KIND:
        raise Invalid.field("", NOT_A_QUEUE)
    if not any(tablets.values()):
        raise Invalid.field("", NOT_OURS)
    ours = [(tablet, id, _opened(tablet, id, box)) for at, id, box in sealed if (tablet := tablets[at])]
    if ours and not any(isinstance(answer, TabletAnswer) for *_, answer in ours):
        raise Invalid.field("", CHANGED)
    became = Counter(rejected=len(sealed) - len(ours))
    for tablet, client_id, answer in ours:
        [result] = deliver(tablet, [answer], by_hand=True)
        if isinstance(result, FeedbackError):
            note_refused(tablet, client_id, in_words(result))
        became["rejected" if isinstance(result, FeedbackError) else result] += 1
    return +became


@reading
def _tablet(tx: Session, device_id: uuid.UUID, centres: Collection[str] | None) -> Tablet | None:
    query = select(Device.centre_id, Device.id, Device.revoked_at).where(Device.id == device_id)
    if centres is not None:
        query = query.join(Centre, Centre.id == Device.centre_id).where(Centre.code.in_(centres))
    row = tx.execute(query).one_or_none()
    return Tablet(*row) if row else None


def _opened(tablet: Tablet, client_id: str, box: bytes) -> TabletAnswer | Invalid:
    for key in keyring().keys:
        try:
            told = AESGCM(key.queue_key(tablet.id)).decrypt(box[:NONCE], box[NONCE:], client_id.encode())
            return _answer(client_id, strict_json(told.decode()))
        except (InvalidTag, LookupError, TypeError, ValueError, AttributeError):
            continue
    return Invalid.field("", CHANGED)


def _answer(client_id: str, told: Mapping[str, Any]) -> TabletAnswer:
    """What our own page sealed. Whoever has the tablet has its key too, so nothing is taken on trust."""
    answers, pace, at = told["answers"], told.get("pace") or {}, datetime.fromisoformat(told["answered_at"])
    fine = [
        isinstance(answers, dict),
        told["language"] in settings().languages,
        isinstance(told.get("short_code"), str | None),
        all(type(number) is int or number is None for number in pace.values()),
        at.tzinfo is not None,
    ]
    if not all(fine):
        raise ValueError("no page of ours says this")
    return TabletAnswer(
        client_id=uuid.UUID(client_id),
        questionnaire=clean(told["questionnaire"]),
        language=told["language"],
        given=lambda questionnaire: check(questionnaire, answers),
        answered_at=at,
        short_code=told.get("short_code"),
        pace=Pace(**pace),
    )
