"""Events for the central monitoring system, built from plain values.

Each type of event has a JSON Schema in ``schemas/``. Events travel as CloudEvents 1.0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback_service.facts import AnswerFacts, ServiceContext

CASE_STATUS = "ua.vidhuk.case.status.v1"
RESPONSE_RECORDED = "ua.vidhuk.response.recorded.v1"
RESPONSE_WITHDRAWN = "ua.vidhuk.response.withdrawn.v1"
CENTRE_PROFILE = "ua.vidhuk.centre.profile.v1"
ANSWER_TYPES = (RESPONSE_RECORDED, RESPONSE_WITHDRAWN)  # nothing may tell their minute
EVENT_TYPES = (CASE_STATUS, RESPONSE_RECORDED, RESPONSE_WITHDRAWN, CENTRE_PROFILE)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it is stored: what happened, to what, when, and the data that the receiver gets."""

    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


def build_case_status(
    context: ServiceContext, status: str, status_at: datetime, registered_at: datetime | None
) -> NewEvent:
    """Return the event that the case got a status."""
    assert context.case_ref is not None
    data = _describe_context(context) | {
        "status": status,
        "status_at": status_at.isoformat(),
        "registered_at": registered_at.isoformat() if registered_at else None,
    }
    return NewEvent(CASE_STATUS, context.case_ref, status_at, data)


def build_response_recorded(
    facts: AnswerFacts,
    *,
    hour: datetime,
    methodology: str,
    single: Mapping[str, str],
    reasons: Sequence[str],
    breach: Sequence[str],
    comment_present: bool,
) -> NewEvent:
    """Return the event that an answer became final. The comment is never sent.

    ``hour`` is the hour of the answer, or of the typing for an answer that staff typed in. The subject of the event
    is the case, or the response where no case is known.
    """
    data = _describe_context(facts.context) | {
        "case_status": facts.context.case_status,
        "response_id": str(facts.response_id),
        "source": facts.source,
        "answered_on": facts.answered_on.isoformat(),
        "questionnaire": facts.questionnaire,
        "methodology": methodology,
        "language": facts.language,
        "answers": [
            {"question": question, "value": int(value) if value.isdecimal() else value}
            for question, value in sorted(single.items())
        ],
        "reasons": sorted(reasons),
        "breach": sorted(breach),
        "comment_present": comment_present,
    }
    return NewEvent(RESPONSE_RECORDED, facts.context.case_ref or str(facts.response_id), hour, data)


def _describe_context(context: ServiceContext) -> dict[str, Any]:
    """Return the members that events about cases and responses share. A code that the service lacks is null."""
    centre, service = context.centre, context.service
    return {
        "centre": centre.code,
        "centre_edrpou": centre.edrpou,
        "centre_katottg": centre.katottg,
        "service": {
            "code": service.code or None,
            "local_code": service.local_code or None,
            "title": service.title,
        }
        if service
        else None,
        "provider_edrpou": context.provider_edrpou,
        "front_office": context.front_office,
        "workplace_kind": context.workplace_kind,
    }


def build_response_withdrawn(response_id: str, hour: datetime) -> NewEvent:
    """Return the event that an author withdrew the answer."""
    return NewEvent(RESPONSE_WITHDRAWN, response_id, hour, {"response_id": response_id})


def build_centre_profile(profile: Mapping[str, Any], at: datetime) -> NewEvent:
    """Return the event that the centre's profile is now ``profile``."""
    return NewEvent(CENTRE_PROFILE, str(profile["code"]), at, dict(profile))


def build_body(
    *,
    id: str,
    centre: str,
    type: str,
    subject: str,
    time: datetime,
    sequence: int,
    data: Mapping[str, Any],
    public_url: str,
) -> str:
    """Return the event as a CloudEvent in its JSON format. Its schema is served under ``public_url``."""
    event = {
        "specversion": "1.0",
        "id": id,
        "source": f"/centres/{centre}",
        "type": type,
        "subject": subject,
        "time": time.isoformat(),
        "sequence": str(sequence),
        "datacontenttype": "application/json",
        "dataschema": f"{public_url}/schemas/{type}.json",
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
