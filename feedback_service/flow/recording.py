"""The step that all ways of answering end in: the answer stored, its event promised, its day counted anew."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from feedback_service import clock, keyring
from feedback_service.alarms import store
from feedback_service.breaches import store as breach_store
from feedback_service.cases.invitations import CaseFacts, CentreFacts, ServiceFacts
from feedback_service.config import current_settings
from feedback_service.counts import rollups
from feedback_service.delivery import events, outbox
from feedback_service.indicators import published as methodologies
from feedback_service.models import Case, Centre, Service
from feedback_service.surveys import published as questionnaires
from feedback_service.surveys import responses
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.responses import NewResponse


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer comes from: the centre, and what is known of the service; a case only by its pseudonym."""

    centre: Centre | CentreFacts
    front_office: str
    service: Service | ServiceFacts | None = None
    provider_edrpou: str | None = None
    workplace: str | None = None
    workplace_kind: str | None = None
    case_ref: str | None = None
    case_status: str | None = None

    @classmethod
    def from_case(
        cls, centre: Centre | CentreFacts, case: Case | CaseFacts, service: Service | ServiceFacts
    ) -> "Origin":
        """The origin of an answer about a case."""
        return cls(
            centre=centre,
            front_office=case.front_office,
            service=service,
            provider_edrpou=case.provider_edrpou,
            workplace=case.workplace,
            workplace_kind=case.workplace_kind,
            case_ref=keyring.derive_case_pseudonym(current_settings().case_key, case.id),
            case_status=case.status,
        )

    @property
    def facts(self) -> events.ServedFacts:
        """The facts that events about it repeat."""
        return events.ServedFacts(
            centre=self.centre.code,
            centre_edrpou=self.centre.edrpou,
            centre_katottg=self.centre.katottg,
            service_code=(self.service.code or None) if self.service else None,
            service_local_code=(self.service.local_code or None) if self.service else None,
            service_title=self.service.title if self.service else None,
            provider_edrpou=self.provider_edrpou,
            front_office=self.front_office,
            workplace_kind=self.workplace_kind,
        )


def record_answer(
    connection: Connection,
    origin: Origin,
    *,
    response_id: uuid.UUID,
    receipt_hash: bytes | None,
    questionnaire: str,
    answers: Answers,
    language: str,
    source: str,
    day: date,
    answered_at: datetime | None,
    client_hash: bytes | None = None,
) -> None:
    """Store a final answer given on ``day``; ``instant`` is when, if that is known, and is not stored."""
    now = clock.now()
    asked = questionnaires.get_by_version(connection, questionnaire)
    methodology = methodologies.read_in_force_cached(connection, day)
    breaches = asked.breaches(answers.choices)
    responses.store_response(
        connection,
        NewResponse(
            centre_id=origin.centre.id,
            id=response_id,
            questionnaire=questionnaire,
            front_office=origin.front_office,
            source=source,
            service_id=origin.service.id if origin.service else None,
            provider_edrpou=origin.provider_edrpou,
            workplace=origin.workplace,
            answered_on=day,
            part_of_day=clock.part_of_day(answered_at) if answered_at else None,
            language=language,
            receipt_hash=receipt_hash,
            client_hash=client_hash,
            answers=answers,
        ),
    )
    service_id = origin.service.id if origin.service else None
    if methodology.has_bad_answer(answers.single):
        store.queue_alarm_check(connection, origin.centre.id, service_id)
    if breaches:
        breach_store.queue_breach_check(connection, origin.centre.id, service_id)
    event = events.build_response_recorded(
        case_ref=origin.case_ref,
        case_status=origin.case_status,
        facts=origin.facts,
        response_id=str(response_id),
        source=source,
        answered_on=day,
        hour=clock.truncate_to_hour(answered_at or now),
        questionnaire=questionnaire,
        methodology=methodology.id,
        language=language,
        single=answers.single,
        reasons=asked.reasons(answers.choices),
        breach=breaches,
        comment_present=answers.comment is not None,
    )
    outbox.enqueue_events(connection, origin.centre.id, [event], now=now)
    rollups.reopen_day(connection, origin.centre.id, day, today=clock.kyiv_day(now))
