"""A summary tells what people answered, counted here one by one, and nothing about too few of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.counts import closing
from feedback_service.database import reading, transaction
from feedback_service.errors import NotFound
from feedback_service.flow import receipts
from feedback_service.indicators.methodology import FOLDER
from feedback_service.models import Centre, PublishedDocument
from tests.conftest import TimeIs
from tests.support.looks import visit_survey
from tests.support.respondents import QUESTIONS, RATING_WORDS, SERVICES, Person, make_people, store_answers
from tests.support.statements import ExecutedStatement, explain_plan, record_statements
from tests.support.story import (
    CENTRE,
    begin_answer,
    create_centre,
    create_invitation,
    make_case_update,
    register_case,
    send_answer,
)
from tests.support.summaries import read_summary_json

pytestmark = pytest.mark.usefixtures("context")

Reply = dict[str, Any]

ELSEWHERE = "SN12000008"
MEMBERS = ("funnel", "indicators", "questions", "reasons")
NEW_YEAR = date(2026, 1, 1)
TODAY = date(2026, 11, 20)
OVERALL = ("excellent", "good", "ok", "bad", "awful")
COUNTING = {"qr_case", "tablet_hall", "sms_viber", "phone_interview", "paper_box", "diia_centers_map"}
CHANNELS = {"qr_case": "phone", "sms_viber": "phone", "tablet_hall": "tablet"}
CHANNELS |= {"qr_hall": "hall", "tablet_walkup": "hall"}
KEYS: dict[str, Callable[[Person], str | None]] = {
    "centre": lambda person: person.centre,
    "day": lambda person: person.day.isoformat(),
    "week": lambda person: "{}-W{:02}".format(*person.day.isocalendar()[:2]),
    "month": lambda person: person.day.isoformat()[:7],
    "quarter": lambda person: f"{person.day.year}-Q{(person.day.month - 1) // 3 + 1}",
    "service": lambda person: (person.service[0] or person.service[1]) if person.service else None,
    "provider": lambda person: person.provider,
    "source": lambda person: person.source,
    "channel": lambda person: CHANNELS.get(person.source, "assisted"),
    "workplace": lambda person: person.workplace,
    "front_office": lambda person: person.front_office,
}


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()


def summed_up(*centres: str, first: date = NEW_YEAR, last: date = TODAY, min_group: int = 5, **how: Any) -> Reply:
    """The reply, as it comes out of JSON."""
    told = read_summary_json(centres=centres or (CENTRE,), first=first, last=last, min_group=min_group, **how)
    reply: Reply = json.loads(json.dumps(told, allow_nan=False))
    return reply


@transaction
def close_days(tx: Session, before: date) -> None:
    for centre in tx.query(Centre):
        closing.close_days(tx, centre.id, before=before, limit=1000)


def rounded(numerator: int, denominator: int) -> float | None:
    """Percent with one decimal, half away from zero; nobody gives nothing."""
    if denominator == 0:
        return None
    exact = Decimal(abs(numerator)) * 100 / Decimal(denominator)
    shown = float(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))
    return -shown if numerator < 0 else shown


def recomputed(people: Iterable[Person]) -> Reply:
    """Figures without their intervals, from the people one by one."""
    said = [person for person in people if not person.withdrawn]
    indicators: list[Reply] = []
    questions: list[Reply] = []
    for front_office, nps, asked, words in (
        ("offline", "off.nps", QUESTIONS, RATING_WORDS),
        ("online", "on.nps", ("on.overall",), OVERALL),
    ):
        here = [person.answers for person in said if person.front_office == front_office]
        scores = [int(answers[nps]) for answers in here if nps in answers]
        up, down = sum(score > 8 for score in scores), sum(score < 7 for score in scores)
        indicators.append(
            {
                "front_office": front_office,
                "n": len(scores),
                "promoters": up,
                "passives": len(scores) - up - down,
                "detractors": down,
                "value": rounded(up - down, len(scores)),
                "band": "negative" if scores and up <= down else None,
            }
        )
        for question in asked:
            given = [answers[question] for answers in here if question in answers]
            satisfied = sum(value in words[:2] for value in given)
            questions.append(
                {
                    "id": question,
                    "n": len(given),
                    "counts": {word: given.count(word) for word in words},
                    "share_satisfied": rounded(satisfied, len(given)),
                    "share_not_awful": rounded(len(given) - given.count("awful"), len(given)),
                }
            )
    reasons = Counter(reason for person in said for reason in person.reasons)
    return {
        "indicators": indicators,
        "questions": questions,
        "reasons": [{"id": id, "n": n} for id, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))],
    }


def told(reply: Reply) -> Reply:
    """The same members of a reply or of one of its groups."""
    silent = {"interval", "id", "status"}
    return {
        "indicators": [{k: v for k, v in one.items() if k not in silent} for one in reply["indicators"]],
        "questions": [{k: v for k, v in one.items() if k != "interval"} for one in reply["questions"]],
        "reasons": reply["reasons"],
    }


def grouped(people: Iterable[Person], by: str) -> dict[str | None, Reply]:
    """What every group of them says; those whose answers were taken back make no group."""
    groups: defaultdict[str | None, list[Person]] = defaultdict(list)
    for person in people:
        if not person.withdrawn:
            groups[KEYS[by](person)].append(person)
    return {key: recomputed(members) for key, members in groups.items()}


@pytest.mark.slow
@pytest.mark.parametrize("by", KEYS)
def test_every_breakdown_tells_what_people_said(by: str) -> None:
    create_centre(ELSEWHERE)
    people = make_people(864, 400, first_day=date(2026, 3, 25), days=60, centres=(CENTRE, ELSEWHERE))
    store_answers(people)
    close_days(before=date(2026, 5, 1))
    first, last = date(2026, 3, 28), date(2026, 5, 20)

    for centres, front_office, source in (
        ((CENTRE, ELSEWHERE), None, None),
        ((CENTRE,), None, "qr_hall"),
        ((CENTRE, ELSEWHERE), "offline", "qr_case"),
        ((ELSEWHERE,), "online", None),
    ):
        asked = [
            person
            for person in people
            if first <= person.day <= last and person.centre in centres and front_office in (None, person.front_office)
        ]
        counting = [p for p in asked if p.source == source or (not source and p.source in COUNTING)]
        shown = asked if by == "source" and not source else counting
        narrowed = {"front_office": front_office, "source": source}

        reply = summed_up(*centres, first=first, last=last, min_group=1, by=by, **narrowed)

        assert told(reply) == recomputed(counting)
        assert {group["key"]: told(group) for group in reply["groups"]} == grouped(shown, by)


def test_a_reply_about_nobody_has_every_member_and_no_figure() -> None:
    reply = summed_up()

    words = {"great": 0, "good": 0, "acceptable": 0, "awful": 0}
    nothing = {"share_satisfied": None, "interval": None, "share_not_awful": None}
    nobody = {"n": 0, "promoters": 0, "passives": 0, "detractors": 0}
    unknown = {"value": None, "interval": None, "band": None, "status": "unconfirmed"}
    assert json.dumps(reply) == json.dumps(
        {
            "period": {"from": "2026-01-01", "to": "2026-11-20"},
            "methodology": {"id": "864-2021", "status": "unconfirmed"},
            "funnel": {
                "completed": 0,
                "invited": 0,
                "opened": 0,
                "started": 0,
                "answered": 0,
                "response_rate": None,
            },
            "indicators": [
                {"id": "loyalty_index", "front_office": front_office, **nobody, **unknown}
                for front_office in ("offline", "online")
            ],
            "questions": [
                *({"id": id, "n": 0, "counts": words, **nothing} for id in QUESTIONS),
                {"id": "on.overall", "n": 0, "counts": dict.fromkeys(OVERALL, 0), **nothing},
            ],
            "reasons": [],
            "groups": [],
        }
    )


def test_a_group_has_its_key_and_the_members_of_the_whole() -> None:
    store_answers([Person(TODAY)] * 5)

    [group] = summed_up(by="day")["groups"]

    assert list(group) == ["key", "suppressed", "funnel", "indicators", "questions", "reasons"]
    assert (group["key"], group["suppressed"]) == ("2026-11-20", False)


def test_the_worked_example_of_two_hundred_answers() -> None:
    scores = {"10": 142, "9": 31, "8": 14, "7": 5, "6": 2, "5": 3, "3": 1, "0": 2}
    store_answers(Person(TODAY, {"off.nps": score}) for score, n in scores.items() for _ in range(n))

    assert summed_up()["indicators"][0] == {
        "id": "loyalty_index",
        "front_office": "offline",
        "n": 200,
        "promoters": 173,
        "passives": 19,
        "detractors": 8,
        "value": 82.5,
        "interval": [74.6, 88.0],
        "band": None,
        "status": "unconfirmed",
    }


def test_centres_are_pooled_by_their_counts() -> None:
    create_centre(ELSEWHERE)
    store_answers([Person(TODAY, {"off.nps": "10"})] * 90 + [Person(TODAY, {"off.nps": "8"})] * 10)
    store_answers([Person(TODAY, {"off.nps": "0"}, centre=ELSEWHERE)] * 5)
    store_answers([Person(TODAY, {"off.nps": "7"}, centre=ELSEWHERE)] * 5)

    assert [summed_up(code)["indicators"][0]["value"] for code in (CENTRE, ELSEWHERE)] == [90.0, -50.0]
    assert summed_up(CENTRE, ELSEWHERE)["indicators"][0]["value"] == 77.3


def test_each_centre_of_a_key_is_told_with_its_own_funnel() -> None:
    create_centre(ELSEWHERE)
    store_answers([Person(TODAY, {"off.nps": "10"})] * 9 + [Person(TODAY, {"off.nps": "0"}, centre=ELSEWHERE)] * 6)
    send_answer(create_invitation(centre=ELSEWHERE).token, {"off.nps": 0})
    create_invitation()

    reply = summed_up(CENTRE, ELSEWHERE, by="centre")

    alone = {code: summed_up(code) for code in (CENTRE, ELSEWHERE)}
    assert {group.pop("key"): group for group in reply["groups"]} == {
        code: {"suppressed": False} | {name: whole[name] for name in MEMBERS} for code, whole in alone.items()
    }
    assert {code: (whole["funnel"]["invited"], whole["funnel"]["answered"]) for code, whole in alone.items()} == {
        CENTRE: (1, 0),
        ELSEWHERE: (1, 1),
    }


def test_a_centre_with_few_answers_is_withheld_and_no_subtraction_tells_it() -> None:
    third = "SN12000016"
    for code in (ELSEWHERE, third):
        create_centre(code)
    for centre, n in ((CENTRE, 40), (ELSEWHERE, 7), (third, 3)):
        store_answers([Person(TODAY, centre=centre)] * n)

    groups = summed_up(CENTRE, ELSEWHERE, third, by="centre")["groups"]

    assert {group["key"]: group["suppressed"] for group in groups} == {
        CENTRE: False,
        ELSEWHERE: True,
        third: True,
    }


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("day", ["2026-01-01", "2026-03-31", "2026-04-01", "2026-11-16", "2026-12-31"]),
        ("week", ["2026-W01", "2026-W14", "2026-W47", "2026-W53"]),
        ("month", ["2026-01", "2026-03", "2026-04", "2026-11", "2026-12"]),
        ("quarter", ["2026-Q1", "2026-Q2", "2026-Q4"]),
    ],
)
def test_spans_of_time_come_in_order(by: str, keys: list[str]) -> None:
    days = [(1, 1), (3, 31), (4, 1), (11, 16), (12, 31)]
    store_answers(Person(date(2026, month, day)) for month, day in reversed(days))

    reply = summed_up(first=date(2026, 1, 1), last=date(2026, 12, 31), by=by, min_group=1)

    assert [group["key"] for group in reply["groups"]] == keys


def test_the_first_days_of_january_may_belong_to_a_week_of_the_year_before() -> None:
    store_answers([Person(date(2027, 1, 3))])

    reply = summed_up(first=date(2027, 1, 1), last=date(2027, 1, 31), by="week", min_group=1)

    assert [group["key"] for group in reply["groups"]] == ["2026-W53"]


def test_services_are_known_by_their_code_then_their_local_code_and_none_comes_last() -> None:
    store_answers([Person(TODAY, service=service) for service in SERVICES])

    groups = summed_up(by="service", min_group=1)["groups"]

    assert [(group["key"], group["indicators"][0]["n"]) for group in groups] == [
        ("00034", 2),
        ("00511", 1),
        ("99-01", 1),
        (None, 1),
    ]


def funnel_of(reply: Reply) -> tuple[int, ...]:
    told: Reply = reply["funnel"]
    return tuple(told[step] for step in ("completed", "invited", "opened", "started", "answered"))


def test_the_funnel_follows_the_invitations_issued_in_the_period(time_is: TimeIs) -> None:
    register_case(make_case_update("in_progress"))
    register_case(make_case_update("refused"))
    visit_survey(create_invitation().token)
    begin_answer(create_invitation().token, {"off.nps": 4})
    send_answer(create_invitation().token, {"off.nps": 9})
    receipt = send_answer(create_invitation().token, {"off.nps": 9}).receipt
    receipts.withdraw_answer(receipt)
    answered_next_month = create_invitation()
    cancelled = make_case_update(case_number="12-2026/0999")
    register_case(cancelled)
    register_case(make_case_update("cancelled", case_number="12-2026/0999", status_at=clock.now()))
    time_is("2026-12-01T12:00+02:00")
    send_answer(answered_next_month.token, {"off.nps": 9})
    create_invitation()

    november = summed_up(last=date(2026, 11, 30))
    assert funnel_of(november) == (7, 7, 5, 4, 3)
    assert november["funnel"]["response_rate"] == 42.9
    december = summed_up(first=date(2026, 12, 1), last=date(2026, 12, 31), min_group=1)
    assert funnel_of(december) == (1, 1, 0, 0, 0)
    assert december["indicators"][0]["n"] == 1


def test_the_funnel_of_a_breakdown_is_about_the_cases_of_each_group() -> None:
    for workplace, answers in (("window-1", 6), ("window-2", 5), ("window-2", 0), ("window-3", 0)):
        for _ in range(answers):
            send_answer(create_invitation(workplace=workplace).token, {"off.nps": 9})
        create_invitation(workplace=workplace)
    create_invitation(front_office="online")

    def funnels(by: str) -> dict[str | None, tuple[int, ...]]:
        return {group["key"]: funnel_of(group) for group in summed_up(by=by)["groups"]}

    whole = (16, 16, 11, 11, 11)
    assert funnel_of(summed_up()) == whole
    assert funnels("workplace") == {
        "window-1": (7, 7, 6, 6, 6),
        "window-2": (7, 7, 5, 5, 5),
        "window-3": (2, 2, 0, 0, 0),
    }
    assert funnels("front_office") == {"offline": (15, 15, 11, 11, 11), "online": (1, 1, 0, 0, 0)}
    assert funnels("service") == {"00034": whole}
    assert funnels("provider") == {"00032112": whole}
    assert funnels("week") == {"2026-W47": whole}
    assert funnel_of(summed_up(front_office="online")) == (1, 1, 0, 0, 0)


def test_a_source_does_not_change_the_funnel() -> None:
    for _ in range(5):
        send_answer(create_invitation().token, {"off.nps": 9})
    store_answers([Person(TODAY, source="qr_hall")] * 5)

    assert funnel_of(summed_up(source="qr_hall")) == (5, 5, 5, 5, 5)
    assert {group["key"]: funnel_of(group) for group in summed_up(by="source")["groups"]} == {
        "qr_case": (5, 5, 5, 5, 5),
        "qr_hall": (5, 5, 5, 5, 5),
    }


def test_the_hall_and_walk_ups_have_figures_of_their_own_outside_the_whole() -> None:
    for source, n in (("qr_case", 6), ("qr_hall", 7), ("tablet_walkup", 8)):
        store_answers([Person(TODAY, source=source)] * n)

    reply = summed_up(by="source")

    assert reply["indicators"][0]["n"] == 6
    assert {group["key"]: group["indicators"][0]["n"] for group in reply["groups"]} == {
        "qr_case": 6,
        "qr_hall": 7,
        "tablet_walkup": 8,
    }
    assert summed_up(source="tablet_walkup")["indicators"][0]["n"] == 8


@transaction
def only_these_count(tx: Session, *sources: str, since: date) -> None:
    """A later methodology, 864-2027, leaves other sources out."""
    body = json.loads((FOLDER / "864-2021.json").read_text(encoding="utf-8"))
    body |= {"id": "864-2027", "effective_from": since.isoformat(), "sources": sources}
    facts = {"kind": "methodology", "id": "864-2027", "effective_from": since, "loaded_at": clock.now()}
    tx.add(PublishedDocument(body=body, **facts))


def test_the_methodology_of_the_last_day_says_which_sources_count() -> None:
    only_these_count("qr_hall", since=date(2026, 11, 20))
    store_answers([Person(date(2026, 11, 2), source="qr_hall")] * 7 + [Person(date(2026, 11, 2))] * 6)

    def figures(last: date) -> tuple[str, int]:
        reply = summed_up(last=last)
        return reply["methodology"]["id"], reply["indicators"][0]["n"]

    assert figures(date(2026, 11, 19)) == ("864-2021", 6)
    assert figures(date(2026, 11, 20)) == ("864-2027", 7)


def test_a_channel_is_told_of_the_sources_that_count() -> None:
    only_these_count("qr_case", "tablet_hall", since=NEW_YEAR)
    store_answers([Person(TODAY)] * 10 + [Person(TODAY, {"off.nps": "0"}, source="sms_viber")] * 20)

    reply = summed_up(by="channel")

    assert told(reply) == told(summed_up())
    assert {group["key"]: group["indicators"][0]["n"] for group in reply["groups"]} == {"phone": 10}


def test_a_period_in_which_few_answered_shows_its_funnel_only() -> None:
    for answers in ({"off.nps": 9}, {"off.staff": "awful"}, {"any.comment": "Дякую"}, {"on.nps": 1}):
        front_office = "online" if "on.nps" in answers else "offline"
        send_answer(create_invitation(front_office=front_office).token, answers)

    reply = summed_up()

    assert reply["suppressed"] is True
    assert (reply["indicators"], reply["questions"], reply["reasons"]) == ([], [], [])
    assert funnel_of(reply) == (4, 4, 4, 4, 4)
    send_answer(create_invitation().token, {"any.comment": "Дякую"})
    reply = summed_up()
    assert "suppressed" not in reply
    assert reply["indicators"][1] == {
        "id": "loyalty_index",
        "front_office": "online",
        "suppressed": True,
    }


def test_a_front_office_of_few_is_named_and_its_questions_are_left_out() -> None:
    store_answers([Person(TODAY, {"off.staff": "good"}, ("seats",))] * 8)
    store_answers([Person(TODAY, {"on.overall": "bad"}, ("payment",), front_office="online")] * 4)

    reply = summed_up()

    assert reply["indicators"][1] == {"id": "loyalty_index", "front_office": "online", "suppressed": True}
    assert [question["id"] for question in reply["questions"]] == list(QUESTIONS)
    assert reply["reasons"] == [{"id": "seats", "n": 8}]


def test_a_group_of_few_hides_among_others_so_that_subtraction_tells_nothing() -> None:
    for workplace, n in (("window-1", 3), ("window-2", 9), ("window-3", 30)):
        store_answers([Person(TODAY, workplace=workplace)] * n)

    groups = summed_up(by="workplace")["groups"]

    assert groups[:2] == [
        {"key": "window-1", "suppressed": True},
        {"key": "window-2", "suppressed": True},
    ]
    assert groups[2]["suppressed"] is False


def test_a_source_of_few_outside_the_whole_hides_nobody_else() -> None:
    for source, n in (("qr_hall", 2), ("qr_case", 9), ("sms_viber", 30)):
        store_answers([Person(TODAY, source=source)] * n)

    groups = summed_up(by="source")["groups"]

    assert {group["key"]: group["suppressed"] for group in groups} == {
        "qr_case": False,
        "qr_hall": True,
        "sms_viber": False,
    }


def test_few_are_those_whose_sources_are_shown() -> None:
    store_answers([Person(TODAY, source="qr_hall")] * 20 + [Person(TODAY)] * 3)

    assert summed_up()["suppressed"] is True
    assert "suppressed" not in summed_up(source="qr_hall")


def test_a_few_statements_answer_for_any_number_of_centres_and_groups() -> None:
    codes: Sequence[str] = [create_centre(f"SN120000{number}") for number in range(10, 22)]
    store_answers(make_people(7, 200, first_day=TODAY - timedelta(40), days=41, centres=tuple(codes)))

    for by in (None, *KEYS):
        with record_statements() as said:
            summed_up(*codes, by=by)

        assert len(said) <= 10, by


def counting_of_invitations(**how: Any) -> ExecutedStatement:
    """The statement of a summary that looks at them."""
    with record_statements("SELECT") as asked:
        summed_up(**how)
    [counting] = [one for one in asked if "FROM invitations" in one[0]]
    return counting


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("by", ["day", "month", "source", "language"])
def test_invitations_are_counted_as_the_index_gives_them_and_never_sorted(by: str) -> None:
    assert "TEMP B-TREE" not in reading(explain_plan)(counting_of_invitations(by=by))


@pytest.mark.parametrize("how", [{}, {"by": "month"}, {"by": "front_office"}, {"front_office": "online"}])
def test_invitations_are_counted_without_a_look_at_their_cases(how: dict[str, str]) -> None:
    assert "cases" not in counting_of_invitations(**how)[0]


def test_a_centre_that_does_not_exist_has_no_summary() -> None:
    with pytest.raises(NotFound):
        summed_up(CENTRE, "SN99999999")


@pytest.mark.parametrize("asked", [{"by": "hour"}, {"source": "rumour"}, {"front_office": "back"}])
def test_a_word_that_means_nothing_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(asked.values()))):
        summed_up(**asked)


@pytest.mark.slow
def test_stored_days_change_no_reply() -> None:
    store_answers(make_people(1, 300, first_day=date(2026, 10, 1), days=40))
    live = [summed_up(by=by) for by in KEYS]

    close_days(before=date(2026, 10, 20))

    assert [summed_up(by=by) for by in KEYS] == live
