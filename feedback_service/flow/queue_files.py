"""Answers that a stuck tablet saved to a file: sealed there, opened here, judged as if the tablet had sent them."""

import base64
import json
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.access.devices import Tablet
from feedback_service.cases.tokens import keyring
from feedback_service.db import reading
from feedback_service.errors import N_, FeedbackError, Invalid
from feedback_service.flow.answers import Given
from feedback_service.flow.tablets import TabletAnswer, deliver, note_refused
from feedback_service.models import Centre, Device
from feedback_service.surveys.answers import check
from feedback_service.surveys.signals import Pace

KIND = "tablet-queue"
NONCE = 12  # bytes before what AES-256-GCM made; the client id is authenticated with it
NOT_A_QUEUE = N_("This is no file that a tablet saved.")
NOT_OURS = N_("No tablet of this installation saved this file.")
CHANGED = N_("The file was changed, or saved under keys that this installation no longer has.")


def take_queue_file(document: Any, centres: Collection[str] | None = None) -> Counter[str]:
    """Every answer in the file is taken, once however often it is sent or brought; how many became what.

    Raises ``Invalid`` for a file that no tablet saved, or none of these ``centres``, if they are named.
    """
    try:
        kind, device_id = document["vidhuk"], uuid.UUID(document["device"])
        sealed = [(str(item["client_id"]), base64.b64decode(item["sealed"])) for item in document["items"]]
    except (LookupError, TypeError, ValueError):
        raise Invalid.field("", NOT_A_QUEUE) from None
    if kind != KIND:
        raise Invalid.field("", NOT_A_QUEUE)
    tablet = _tablet(device_id, centres)
    ciphers = [AESGCM(key.queue_key(device_id)) for key in keyring().keys]
    answers = [_answer(client_id, _opened(ciphers, client_id, box)) for client_id, box in sealed]
    became: Counter[str] = Counter()
    for answer in answers:
        [result] = deliver(tablet, [answer], by_hand=True)
        if isinstance(result, FeedbackError):
            note_refused(tablet, str(answer.client_id), result.detail or result.title)
        became["rejected" if isinstance(result, FeedbackError) else result] += 1
    return became


@reading
def _tablet(tx: Session, device_id: uuid.UUID, centres: Collection[str] | None) -> Tablet:
    query = select(Device.centre_id, Device.id, Device.revoked_at).where(Device.id == device_id)
    if centres is not None:
        query = query.join(Centre, Centre.id == Device.centre_id).where(Centre.code.in_(centres))
    row = tx.execute(query).one_or_none()
    if row is None:
        raise Invalid.field("", NOT_OURS)
    return Tablet(*row)


def _opened(ciphers: list[AESGCM], client_id: str, box: bytes) -> Mapping[str, Any]:
    for cipher in ciphers:
        try:
            told: Mapping[str, Any] = json.loads(cipher.decrypt(box[:NONCE], box[NONCE:], client_id.encode()))
        except (InvalidTag, ValueError):
            continue
        return told
    raise Invalid.field("", CHANGED)


def _answer(client_id: str, told: Mapping[str, Any]) -> TabletAnswer:
    """Sealed by our own page, so only a fault of ours could give it another shape."""
    return TabletAnswer(
        client_id=uuid.UUID(client_id),
        questionnaire=told["questionnaire"],
        language=told["language"],
        given=_given(told["answers"]),
        answered_at=datetime.fromisoformat(told["answered_at"]),
        short_code=told.get("short_code"),
        pace=Pace(**(told.get("pace") or {})),
    )


def _given(answers: Mapping[str, object]) -> Given:
    return lambda questionnaire: check(questionnaire, answers)
