"""The head of a centre finds comments by words and filters, and sees no circumstances that lead to an author."""

import uuid
from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.cases.services import make_service_facts
from feedback_service.centres.register import make_public_centre
from feedback_service.database import reading, transaction
from feedback_service.errors import Invalid
from feedback_service.facts import AnswerFacts, ServiceContext
from feedback_service.models import Centre, Comment, Response, Service
from feedback_service.surveys import comments, published, responses
from feedback_service.surveys.answers import Answers
from feedback_service.surveys.comments import AnswerFilter, CommentFilter, CommentPage
from tests.support.story import CENTRE, create_centre

pytestmark = pytest.mark.usefixtures("context")

LEAST = 5
AUTUMN = AnswerFilter(first=date(2026, 9, 1), last=date(2026, 11, 30))
DAY = date(2026, 11, 20)

Find = Callable[..., CommentPage]


def say(tx: Session, /, *texts: str | None, **facts: Any) -> list[uuid.UUID]:
    """People left these comments (``None``: they answered without one), and think alike otherwise."""
    centre = tx.scalars(select(Centre).where(Centre.code == facts.pop("centre", CENTRE))).one()
    title = facts.pop("service", None)
    service = tx.scalar(select(Service).where(Service.centre_id == centre.id, Service.title == (title or "")))
    if title and service is None:
        service = Service(centre_id=centre.id, id=uuid.uuid4(), code="", local_code=title[:9], title=title)
        tx.add(service)
        tx.flush()
    single, choices = facts.pop("single", {"off.nps": "9"}), facts.pop("choices", {})
    context = ServiceContext(
        centre=make_public_centre(centre),
        front_office=facts.pop("front_office", "offline"),
        service=make_service_facts(service) if service else None,
    )
    usual: dict[str, Any] = {
        "questionnaire": "offline-2026.1",
        "source": "qr_case",
        "answered_on": DAY,
        "answered_at": None,
        "language": "uk",
        "receipt_hash": None,
    }
    questionnaire = published.get_by_version(tx.connection(), (usual | facts)["questionnaire"])
    ids = [uuid.uuid4() for _ in texts]
    for id, text in zip(ids, texts, strict=True):
        answer_facts = AnswerFacts(response_id=id, context=context, **(usual | facts))
        responses.insert_response(tx.connection(), answer_facts, questionnaire, Answers(single, choices, text))
    return ids


said = transaction(say)


@pytest.fixture(autouse=True)
def crowd(app: Flask, context: None) -> None:
    """A centre where enough people answered in November."""
    create_centre()
    said(*[None] * LEAST)


@pytest.fixture
def found() -> Find:
    """``found(text="черга")`` returns what the head of the centre reads."""

    @reading
    def find(
        tx: Session, /, of: AnswerFilter = AUTUMN, limit: int = 50, after: Any = None, **wanted: Any
    ) -> CommentPage:
        centre = tx.scalars(select(Centre.id).where(Centre.code == CENTRE)).one()
        return comments.find_comments(
            tx, centre, CommentFilter(answer_filter=of, **wanted), min_group=LEAST, limit=limit, after=after
        )

    return find


def texts(found: CommentPage) -> list[str]:
    """Return the sorted texts."""
    return sorted(each.text for each in found.comments)


def test_words_are_found_in_any_form_and_all_of_them_are_needed(found: Find) -> None:
    said("Довга черга", "Стояла в черзі до каси", "Каса зачинена")

    assert texts(found(text="ЧЕРГА")) == ["Довга черга", "Стояла в черзі до каси"]
    assert texts(found(text="черга каса")) == ["Стояла в черзі до каси"]
    assert found(text="%").total == found(text="").total == 3


def test_filters_narrow(found: Find) -> None:
    said("онлайн", front_office="online", questionnaire="online-2026.1")
    said("погано", single={"off.staff": "awful"})
    said("англійською", language="en")
    said("тісно", choices={"any.reasons": ("cramped", "queue")}, single={"off.nps": "2"})
    said("хабар", choices={"any.breach": ("bribe",)})
    said("нічого не було", choices={"any.breach": ("none",)})
    said("паперово", source="paper_box")

    assert texts(found(poor=True)) == ["погано", "тісно"]
    assert texts(found(language="en")) == ["англійською"]
    assert texts(found(reasons=frozenset({"cramped", "seats"}))) == ["тісно"]
    assert texts(found(breach=True)) == ["хабар"]
    assert found(of=AnswerFilter(first=date(2026, 9, 1), last=date(2026, 10, 31))) == CommentPage(total=0)


def test_another_centre_is_not_read(found: Find) -> None:
    create_centre("SN12000008")
    said("чуже", *[None] * LEAST, centre="SN12000008")

    assert found().total == 0


@pytest.mark.parametrize("of", [{"service": "Паспорт"}, {"source": "phone_interview"}, {"front_office": "online"}])
def test_who_answered_among_few_alike_is_not_read(found: Find, of: dict[str, str]) -> None:
    said("one of four", *[None] * 3, service="Паспорт", source="phone_interview", front_office="online",
         questionnaire="online-2026.1", single={})  # fmt: skip

    slice = AnswerFilter(first=AUTUMN.first, last=AUTUMN.last, **of)
    assert found(of=slice) == CommentPage(total=0, withheld=True)

    said(None, service="Паспорт", source="phone_interview", front_office="online")
    assert texts(found(of=slice)) == ["one of four"]


@pytest.mark.parametrize("text", ["", "сама", "іншого тут немає"])
def test_of_a_day_of_few_answers_not_even_whether_a_word_was_said_is_told(found: Find, text: str) -> None:
    said("сама того дня", answered_on=date(2026, 11, 3))

    on, before = date(2026, 11, 3), date(2026, 11, 2)
    assert found(of=AnswerFilter(first=on, last=on), text=text) == CommentPage(total=0, withheld=True)
    assert found(of=AnswerFilter(first=before, last=before), text=text) == CommentPage(total=0)


def test_among_others_it_is_read(found: Find) -> None:
    said("сама того дня", answered_on=date(2026, 11, 3))

    assert texts(found()) == ["сама того дня"]


def test_who_took_the_answer_back_is_no_crowd(found: Find) -> None:
    said("four are left", *[None] * 3, service="Паспорт")
    said(None, service="Паспорт")
    slice = AnswerFilter(first=AUTUMN.first, last=AUTUMN.last, service="Паспорт")
    assert texts(found(of=slice)) == ["four are left"]

    withdraw_one("Паспорт")

    assert found(of=slice).withheld


@transaction
def withdraw_one(tx: Session, service: str) -> None:
    """Withdraw a response without a comment."""
    mine = select(Service.id).where(Service.title == service)
    silent = select(Response).where(Response.service_id.in_(mine), Response.id.not_in(select(Comment.response_id)))
    responses.withdraw_response(tx, tx.scalars(silent.limit(1)).one(), withdrawn_on=DAY)


def test_beside_a_comment_stands_what_many_share(found: Find) -> None:
    said("рідкісна", service="Паспорт")
    said("часта", *[None] * (LEAST - 1), service="Прописка")
    said("давня", answered_on=date(2026, 9, 10))

    beside = {each.text: (each.month, each.front_office, each.service) for each in found().comments}

    november = date(2026, 11, 1)
    assert beside == {
        "рідкісна": (november, "offline", None),
        "часта": (november, "offline", "Прописка"),
        "давня": (None, None, None),
    }


def test_a_short_period_tells_no_more_than_a_long_one(found: Find) -> None:
    said("часта", service="Прописка")
    said(*[None] * (LEAST - 1), service="Прописка", answered_on=date(2026, 11, 2))

    [whole] = found().comments
    [day] = found(of=AnswerFilter(first=DAY, last=DAY)).comments

    assert whole.service == "Прописка"
    assert day.service is None


def test_pages_follow_each_other_without_gap_or_repeat(found: Find) -> None:
    said(*(f"допис {number}" for number in range(9)))
    said(*(f"раніше {number}" for number in range(4)), answered_on=date(2026, 11, 2))
    read: list[str] = []
    totals = []
    after = None

    while True:
        page = found(limit=4, after=after)
        read += [each.text for each in page.comments]
        totals.append(page.total)
        after = page.next_cursor
        if after is None:
            break

    assert len(read) == len(set(read)) == 13
    assert all(each.startswith("допис") for each in read[:9])
    assert totals == [13, None, None, None]


def test_a_place_that_the_list_does_not_have_is_refused(found: Find) -> None:
    said(*(f"допис {number}" for number in range(9)))

    with pytest.raises(Invalid) as refusal:
        found(after=uuid.uuid4())

    assert [error.pointer for error in refusal.value.errors] == ["/after"]


def test_what_is_set_aside_is_read_apart_and_can_come_back(found: Find) -> None:
    [spam] = said("купуйте наші вікна")

    assert put(spam, aside=True) is True
    assert put(spam, aside=True) is False
    assert (found().total, found(set_aside=True).total) == (0, 1)
    assert put(spam, aside=False) is True
    assert (found().total, found(set_aside=True).total) == (1, 0)
    assert put(uuid.uuid4(), aside=True) is None


@transaction
def put(tx: Session, id: uuid.UUID, *, aside: bool) -> bool | None:
    """Set the comment aside or back."""
    centre = tx.scalars(select(Centre.id).where(Centre.code == CENTRE)).one()
    return comments.set_comment_aside(tx, centre, id, is_aside=aside)


def test_an_export_may_hold_more_months_and_services_than_a_database_joins_in_one_question() -> None:
    @transaction
    def a_year_goes_by(tx: Session) -> None:
        for month, office, service in product(range(1, 13), ("offline", "online"), range(21)):
            facts = {"service": f"С{service}", "front_office": office, "answered_on": date(2025, month, 9)}
            say(tx, "дякую", single={}, **facts)

    @reading
    def exported(tx: Session) -> list[comments.CommentView]:
        centre = tx.scalars(select(Centre.id).where(Centre.code == CENTRE)).one()
        year = CommentFilter(answer_filter=AnswerFilter(first=date(2025, 1, 1), last=date(2025, 12, 31)))
        return list(comments.iterate_comments(tx, centre, year, min_group=LEAST))

    a_year_goes_by()
    told = exported()
    assert len(told) == 504
    assert all(each.month and not each.service for each in told)
