"""The words on the wire: what the central monitoring system is told, built from plain values.

Shapes are those of the JSON Schemas in ``schemas/``, one for each type; CloudEvents 1.0 carries them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

CASE_STATUS = "ua.vidhuk.case.status.v1"
RESPONSE_RECORDED = "ua.vidhuk.response.recorded.v1"
RESPONSE_WITHDRAWN = "ua.vidhuk.response.withdrawn.v1"
CENTRE_PROFILE = "ua.vidhuk.centre.profile.v1"
EVENT_TYPES = (CASE_STATUS, RESPONSE_RECORDED, RESPONSE_WITHDRAWN, CENTRE_PROFILE)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event before it is stored: what happened, to what, when."""

    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServedFacts:
    """Where and what was served, as every event about it repeats; codes are ``None`` where there are none."""

    centre: str
    centre_edrpou: str
    centre_katottg: str
    service_code: str | None
    service_local_code: str | None
    service_title: str | None
    provider_edrpou: str | None
    front_office: str
    workplace_kind: str | None

    def as_data(self) -> dict[str, Any]:
        """The members that case and response events share; without a service it is null."""
        service = {
            "code": self.service_code,
            "local_code": self.service_local_code,
            "title": self.service_title,
        }
        return {
            "centre": self.centre,
            "centre_edrpou": self.centre_edrpou,
            "centre_katottg": self.centre_katottg,
            "service": service if self.service_title is not None else None,
            "provider_edrpou": self.provider_edrpou,
            "front_office": self.front_office,
            "workplace_kind": self.workplace_kind,
        }


def build_case_status(
    case_ref: str, facts: ServedFacts, status: str, status_at: datetime, registered_at: datetime | None
) -> NewEvent:
    """The case got a status."""
    instants = {
        "status": status,
        "status_at": status_at.isoformat(),
        "registered_at": registered_at.isoformat() if registered_at else None,
    }
    return NewEvent(CASE_STATUS, case_ref, status_at, facts.as_data() | instants)


def build_response_recorded(
    *,
    case_ref: str | None,
    case_status: str | None,
    facts: ServedFacts,
    response_id: str,
    source: str,
    answered_on: date,
    hour: datetime,
    questionnaire: str,
    methodology: str,
    language: str,
    single: Mapping[str, str],
    reasons: Sequence[str],
    breach: Sequence[str],
    comment_present: bool,
) -> NewEvent:
    """An answer became final. The comment itself is never told."""
    data = facts.as_data() | {
        "case_status": case_status,
        "response_id": response_id,
        "source": source,
        "answered_on": answered_on.isoformat(),
        "questionnaire": questionnaire,
        "methodology": methodology,
        "language": language,
        "answers": [
            {"question": question, "value": int(value) if value.isdecimal() else value}
            for question, value in sorted(single.items())
        ],
        "reasons": sorted(reasons),
        "breach": sorted(breach),
        "comment_present": comment_present,
    }
    return NewEvent(RESPONSE_RECORDED, case_ref or response_id, hour, data)


def build_response_withdrawn(response_id: str, hour: datetime) -> NewEvent:
    """Its author took an answer back."""
    return NewEvent(RESPONSE_WITHDRAWN, response_id, hour, {"response_id": response_id})


def build_centre_profile(profile: Mapping[str, Any], at: datetime) -> NewEvent:
    """The centre's profile is now this."""
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
    """The event as it travels: a CloudEvent in the JSON format; its schema is served under ``public_url``."""
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
