"""Stores answers of many people directly in the tables: for figures it does not matter how they came."""

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from feedback_service.database import transaction
from feedback_service.models import Centre, Response, Service
from feedback_service.vocabulary import SOURCES
from tests.support.story import CENTRE

RATING_WORDS = ("great", "good", "acceptable", "awful")
QUESTIONS = ("off.premises", "off.services", "off.staff", "off.quality", "off.process")
SERVICES = (("00034", "14-13"), ("00034", "14-14"), ("", "99-01"), ("00511", ""), None)
PROVIDERS = ("00032112", "43220851", None)
WORKPLACES = ("window-1", "window-2", None)


@dataclass(frozen=True, slots=True)
class Person:
    """One person's answer; ``withdrawn``: taken back since."""

    day: date
    answers: Mapping[str, str] = field(default_factory=lambda: {"off.nps": "10"})
    reasons: tuple[str, ...] = ()
    centre: str = CENTRE
    front_office: str = "offline"
    source: str = "qr_case"
    service: tuple[str, str] | None = SERVICES[0]
    provider: str | None = None
    workplace: str | None = None
    withdrawn: bool = False

    @property
    def answer_values(self) -> dict[str, list[str]]:
        """The values that were chosen for each question."""
        values = {question: [value] for question, value in self.answers.items()}
        return values | ({"any.reasons": [*self.reasons]} if self.reasons else {})


def make_people(
    seed: int,
    size: int,
    *,
    first_day: date,
    days: int,
    centres: tuple[str, ...] = (CENTRE,),
    sources: tuple[str, ...] = SOURCES,
) -> list[Person]:
    """Make so many people, as different as possible; the same seed gives the same people."""
    rng = random.Random(seed)

    def make_person() -> Person:
        front_office = rng.choice(("offline", "offline", "online"))
        answers: dict[str, str] = {}
        if front_office == "offline":
            answers |= {question: rng.choice(RATING_WORDS) for question in QUESTIONS if rng.random() < 0.8}
        elif rng.random() < 0.8:
            answers |= {"on.overall": rng.choice(("excellent", "good", "ok", "bad", "awful"))}
        if rng.random() < 0.9:
            answers |= {"off.nps" if front_office == "offline" else "on.nps": str(rng.randrange(11))}
        answers |= {"any.breach": rng.choice(("none", "insult"))} if rng.random() < 0.3 else {}
        reasons = {"offline": ("seats", "queue", "other"), "online": ("retries", "payment", "other")}
        return Person(
            day=first_day + timedelta(rng.randrange(days)),
            answers=answers,
            reasons=tuple(rng.sample(reasons[front_office], rng.randrange(3))),
            centre=rng.choice(centres),
            front_office=front_office,
            source=rng.choice(sources),
            service=rng.choice(SERVICES),
            provider=rng.choice(PROVIDERS),
            workplace=rng.choice(WORKPLACES),
            withdrawn=rng.random() < 0.1,
        )

    return [make_person() for _ in range(size)]


@transaction
def store_answers(tx: Session, people: Iterable[Person]) -> None:
    """Store the answers of these people, and services that their centres do not have yet."""
    centres = {centre.code: centre.id for centre in tx.scalars(select(Centre))}
    services = {(row.centre_id, row.code, row.local_code): row.id for row in tx.scalars(select(Service))}
    responses = []
    for person in people:
        centre, response_id = centres[person.centre], uuid.uuid4()
        service = None
        if person.service is not None:
            service_key = (centre, *person.service)
            if service_key not in services:
                services[service_key] = uuid.uuid4()
                code, local_code = person.service
                tx.add(
                    Service(
                        centre_id=centre,
                        id=services[service_key],
                        code=code,
                        local_code=local_code,
                        title="Послуга",
                    )
                )
                tx.flush()
            service = services[service_key]
        responses.append(
            {
                "centre_id": centre,
                "id": response_id,
                "questionnaire": f"{person.front_office}-2026.1",
                "front_office": person.front_office,
                "source": person.source,
                "service_id": service,
                "provider_edrpou": person.provider,
                "workplace": person.workplace,
                "answered_on": person.day,
                "language": "uk",
                "withdrawn_on": person.day if person.withdrawn else None,
                "answers": {} if person.withdrawn else person.answer_values,
            }
        )
    if responses:
        tx.execute(insert(Response), responses)
