"""Many people who answered, put straight into the tables: for figures it does not matter how they came."""

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from feedback_service.database import transaction
from feedback_service.models import Centre, Response, Service
from feedback_service.words import SOURCES
from tests.support.story import CENTRE

WORDS = ("great", "good", "acceptable", "awful")
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
    def coded(self) -> dict[str, list[str]]:
        """The values chosen for each question."""
        chosen = {question: [value] for question, value in self.answers.items()}
        return chosen | ({"any.reasons": [*self.reasons]} if self.reasons else {})


def crowd(
    seed: int,
    size: int,
    *,
    first: date,
    days: int,
    centres: tuple[str, ...] = (CENTRE,),
    sources: tuple[str, ...] = SOURCES,
) -> list[Person]:
    """So many people, as different as they can be; the same again for the same seed."""
    chance = random.Random(seed)

    def somebody() -> Person:
        front_office = chance.choice(("offline", "offline", "online"))
        said: dict[str, str] = {}
        if front_office == "offline":
            said |= {question: chance.choice(WORDS) for question in QUESTIONS if chance.random() < 0.8}
        elif chance.random() < 0.8:
            said |= {"on.overall": chance.choice(("excellent", "good", "ok", "bad", "awful"))}
        if chance.random() < 0.9:
            said |= {"off.nps" if front_office == "offline" else "on.nps": str(chance.randrange(11))}
        said |= {"any.breach": chance.choice(("none", "insult"))} if chance.random() < 0.3 else {}
        reasons = {"offline": ("seats", "queue", "other"), "online": ("retries", "payment", "other")}
        return Person(
            day=first + timedelta(chance.randrange(days)),
            answers=said,
            reasons=tuple(chance.sample(reasons[front_office], chance.randrange(3))),
            centre=chance.choice(centres),
            front_office=front_office,
            source=chance.choice(sources),
            service=chance.choice(SERVICES),
            provider=chance.choice(PROVIDERS),
            workplace=chance.choice(WORKPLACES),
            withdrawn=chance.random() < 0.1,
        )

    return [somebody() for _ in range(size)]


@transaction
def store(tx: Session, people: Iterable[Person]) -> None:
    """They have answered; a service that their centre does not know yet is entered."""
    centres = {centre.code: centre.id for centre in tx.scalars(select(Centre))}
    services = {(s.centre_id, s.code, s.local_code): s.id for s in tx.scalars(select(Service))}
    responses = []
    for person in people:
        centre, id = centres[person.centre], uuid.uuid4()
        service = None
        if person.service is not None:
            key = (centre, *person.service)
            if key not in services:
                services[key] = uuid.uuid4()
                code, local_code = person.service
                tx.add(
                    Service(
                        centre_id=centre, id=services[key], code=code, local_code=local_code, title="Послуга"
                    )
                )
                tx.flush()
            service = services[key]
        responses.append(
            {
                "centre_id": centre,
                "id": id,
                "questionnaire": f"{person.front_office}-2026.1",
                "front_office": person.front_office,
                "source": person.source,
                "service_id": service,
                "provider_edrpou": person.provider,
                "workplace": person.workplace,
                "answered_on": person.day,
                "language": "uk",
                "withdrawn_on": person.day if person.withdrawn else None,
                "answers": {} if person.withdrawn else person.coded,
            }
        )
    if responses:
        tx.execute(insert(Response), responses)
