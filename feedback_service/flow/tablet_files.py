"""A file of answers that a stuck tablet saved: encrypted there, decrypted and imported here, as if delivered."""

import base64
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.config import current_settings
from feedback_service.database import reading
from feedback_service.errors import N_, FeedbackError, Invalid
from feedback_service.flow.tablet_answers import Bringer, TabletAnswer, accept_answers, record_refused_answer
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Device
from feedback_service.plain_text import read_code
from feedback_service.sealing import open_sealed
from feedback_service.strict_json import parse_strict_json
from feedback_service.surveys.answers import JsonSubmission
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.signals import AnsweringPace

FILE_KIND = "tablet-queue"
NOT_A_TABLET_FILE = N_("This is no file that a tablet saved.")
FILE_CHANGED = N_("The file was changed, or saved under keys that this installation no longer has.")


def import_tablet_file(
    document: Any,
    centres: Collection[str] | None = None,
    translate: Callable[[str], str] = str,
) -> Counter[str]:
    """Store every answer of the file; return how many got each result of ``tablet_answers.accept_answers``.

    1. Read the file and find its tablets. A browser that was paired again may have answers of several.
    2. Decrypt each answer with the key of its tablet.
    3. Store each answer by itself; it is stored once, however often it is delivered or imported. Store why an answer
       is refused, see ``record_refused_answer`` also for ``translate``.

    ``centres`` are those of the staff who import it; ``None``: an operator does.

    Raises ``Invalid`` if no tablet saved the file, if none of its tablets is of these centres, or if nothing in it can
    be decrypted. Raises ``TooManyGuesses`` for staff at an answer after too many wrong codes; those before it are
    stored, and the file may be imported again.
    """
    try:
        kind, file_device_id = document["vidhuk"], document["device"]
        if kind != FILE_KIND:
            raise ValueError(kind)
        sealed_answers = [
            (uuid.UUID(item.get("device", file_device_id)), str(item["client_id"]), base64.b64decode(item["sealed"]))
            for item in document["items"]
        ]
        device_ids = {uuid.UUID(file_device_id), *(id for id, *_ in sealed_answers)}
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Invalid.for_field("", NOT_A_TABLET_FILE) from None
    tablets = {id: _find_tablet(id, centres) for id in device_ids}
    if not any(tablets.values()):
        raise Invalid.for_field("", N_("No tablet of this installation saved this file."))
    opened_answers = [
        (tablet, id, _open_sealed_answer(tablet, id, sealed_bytes))
        for device_id, id, sealed_bytes in sealed_answers
        if (tablet := tablets[device_id])
    ]
    if opened_answers and not any(isinstance(answer, TabletAnswer) for *_, answer in opened_answers):
        raise Invalid.for_field("", FILE_CHANGED)
    outcome_counts = Counter(rejected=len(sealed_answers) - len(opened_answers))
    bringer: Bringer = "operator" if centres is None else "staff"
    for tablet, client_id, answer in opened_answers:
        [result] = accept_answers(tablet, [answer], bringer=bringer)
        if isinstance(result, FeedbackError):
            record_refused_answer(tablet, client_id, result, translate)
            result = "rejected"
        outcome_counts[result] += 1
    return +outcome_counts


@reading
def _find_tablet(tx: Session, device_id: uuid.UUID, centres: Collection[str] | None) -> AuthenticatedTablet | None:
    query = select(Device.centre_id, Device.id, Device.revoked_at).where(Device.id == device_id)
    if centres is not None:
        query = query.join(Centre, Centre.id == Device.centre_id).where(Centre.code.in_(centres))
    row = tx.execute(query).one_or_none()
    return AuthenticatedTablet(*row) if row else None


def _open_sealed_answer(tablet: AuthenticatedTablet, client_id: str, sealed_bytes: bytes) -> TabletAnswer | Invalid:
    """Return the answer that the tablet encrypted with its client id as associated data."""
    ciphers = (AESGCM(key.derive_queue_key(tablet.id)) for key in current_keyring().keys)
    try:
        if plaintext := open_sealed(ciphers, sealed_bytes, client_id.encode()):
            return _parse_answer(client_id, parse_strict_json(plaintext.decode()))
    except (LookupError, TypeError, ValueError, AttributeError):
        pass
    return Invalid.for_field("", FILE_CHANGED)


def _parse_answer(client_id: str, members: Mapping[str, Any]) -> TabletAnswer:
    """Return the answer that our own page encrypted. All of it is checked: who has the tablet has its key too."""
    answers, pace = members["answers"], members.get("pace") or {}
    answered_at = datetime.fromisoformat(members["answered_at"])
    checks = [
        isinstance(answers, dict),
        members["language"] in current_settings().languages,
        isinstance(members.get("short_code"), str | None),
        all(type(number) is int or number is None for number in pace.values()),
        answered_at.tzinfo is not None,
    ]
    if not all(checks):
        raise ValueError("no page of ours writes this")
    return TabletAnswer(
        client_id=uuid.UUID(client_id),
        questionnaire=read_code(members["questionnaire"]),
        language=members["language"],
        submission=JsonSubmission(answers),
        answered_at=answered_at,
        short_code=members.get("short_code"),
        pace=AnsweringPace(**pace),
    )
