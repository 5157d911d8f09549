"""The contents of events, sealed under EVENT_KEYS.

An answer's event names its case, and the database keeps events for weeks. So they are sealed before they are stored:
a copy of the database alone does not say what an event tells. Contents are padded: their length does not tell either.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from feedback_service.config import current_settings
from feedback_service.delivery.events import RESPONSE_RECORDED, NewEvent
from feedback_service.sealing import Seal, make_seal

PADDED_TO = 1024  # bytes; the answers to one questionnaire differ by less, so their contents mostly have one length

_NOTHING_SAID: Mapping[str, Any] = {"answers": [], "reasons": [], "breach": [], "comment_present": False}


class Content(NamedTuple):
    """What an event tells; its body is built of this when the event gets its number."""

    subject: str
    time: datetime
    data: Mapping[str, Any]

    def without_answers(self) -> "Content":
        """Return the content of an answer without what was said."""
        return self._replace(data={**self.data, **_NOTHING_SAID})


def current_seal() -> Seal:
    """Return the seal of the current application."""
    return make_seal(current_settings().event_keys, "events")


def seal_content(event_id: uuid.UUID, content: Content) -> bytes:
    """Seal the content of an event that has no number yet."""
    document = {"subject": content.subject, "time": content.time.isoformat(), "data": content.data}
    return current_seal().seal(_pad_document(json.dumps(document, ensure_ascii=False)), event_id.bytes)


def open_content(event_id: uuid.UUID, sealed: bytes) -> Content | None:
    """Open a content; ``None`` if its key is no longer among EVENT_KEYS."""
    opened = current_seal().open(sealed, event_id.bytes)
    if opened is None:
        return None
    document = json.loads(opened)
    return Content(document["subject"], datetime.fromisoformat(document["time"]), document["data"])


def seal_body(event_id: uuid.UUID, body: str) -> bytes:
    """Seal the body of an event."""
    return current_seal().seal(_pad_document(body), event_id.bytes)


def open_body(event_id: uuid.UUID, sealed: bytes) -> str | None:
    """Open a body; ``None`` if its key is no longer among EVENT_KEYS."""
    opened = current_seal().open(sealed, event_id.bytes)
    return opened.decode().rstrip(" ") if opened is not None else None


def _pad_document(document: str) -> bytes:
    """Encode a JSON object and fill it up with spaces, which do not belong to it."""
    encoded = document.encode()
    return encoded + b" " * (-len(encoded) % PADDED_TO)


def digest_body(body: str) -> bytes:
    """Return the hash that stays of a body. It is keyed, so that nobody can try out what the body may have said."""
    return current_seal().hash(hashlib.sha256(body.encode()).digest())


def hash_response(new_event: NewEvent) -> bytes | None:
    """Return the hash by which a withdrawal finds the event of an answer; ``None`` for any other event."""
    if new_event.type != RESPONSE_RECORDED:
        return None
    return current_seal().hash(uuid.UUID(new_event.data["response_id"]).bytes)


def possible_response_hashes(response_id: uuid.UUID) -> list[bytes]:
    """Return the hashes that events of this answer may have: one for each of EVENT_KEYS."""
    return current_seal().hash_with_all(response_id.bytes)
