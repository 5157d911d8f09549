"""Totals without answers that carry a signal stand beside the totals, and lead nobody to a small group."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from feedback_service.figures import summaries
from feedback_service.indicators import published
from tests.api.conftest import Caller, NewCaller
from tests.conftest import TimeIs
from tests.support.story import CENTRE, begin_answer, create_invitation, send_answer
from tests.support.tablets import deliver_answers, make_tablet_answer

NOON = "2026-11-20T12:00+02:00"


def test_both_totals_are_told(tablet: Caller, new_caller: NewCaller, time_is: TimeIs) -> None:
    time_is(NOON)
    hurried = {"pace": {"seconds": 1, "recent": 0, "alike": 0}}
    deliver_answers(tablet, *[make_tablet_answer({"off.nps": 10, "off.staff": "great"}, **hurried) for _ in range(6)])
    deliver_answers(tablet, *[make_tablet_answer({"off.nps": 0, "off.staff": "awful"}) for _ in range(5)])

    told = _summary(new_caller)

    whole, rest = told["indicators"][0], told["without_signals"]["indicators"][0]
    assert (whole["n"], whole["promoters"], whole["detractors"]) == (11, 6, 5)
    assert (rest["n"], rest["promoters"], rest["detractors"], rest["value"]) == (5, 0, 5, -100.0)
    assert told["without_signals"]["signalled"] == 6
    [staff] = [each for each in told["without_signals"]["questions"] if each["id"] == "off.staff"]
    assert staff["counts"] == {"great": 0, "good": 0, "acceptable": 0, "awful": 5}


def test_answers_in_which_another_client_took_part_are_told_apart(
    app: Flask, new_caller: NewCaller, time_is: TimeIs
) -> None:
    time_is(NOON)
    with app.app_context():
        for number in range(12):
            token = create_invitation(centre=CENTRE).token
            client = begin_answer(token, {"off.nps": 2 if number < 6 else 9})
            send_answer(token, {"off.staff": "great"}, None if number < 6 else client)

    told = new_caller("summaries:read").get("/summaries").json

    assert told["indicators"][0]["detractors"] == 6
    assert told["without_signals"]["signalled"] == 6
    assert told["without_signals"]["indicators"][0]["detractors"] == 0


@pytest.mark.parametrize(("odd", "usual"), [(1, 20), (4, 20), (20, 4)])
def test_nothing_follows_about_a_few_by_subtraction(
    tablet: Caller, new_caller: NewCaller, time_is: TimeIs, odd: int, usual: int
) -> None:
    time_is(NOON)
    deliver_answers(
        tablet,
        *[make_tablet_answer(pace={"seconds": 0}) for _ in range(odd)],
        *[make_tablet_answer() for _ in range(usual)],
    )
    assert _summary(new_caller)["without_signals"] == {"suppressed": True}


@pytest.mark.parametrize(("usual", "told"), [(2, False), (5, True)])
def test_nothing_follows_by_subtracting_sources_that_carry_no_signal(
    app: Flask, tablet: Caller, new_caller: NewCaller, time_is: TimeIs, usual: int, told: bool
) -> None:
    """The figures of ``?source=qr_case`` are told by another request: what is left belongs to tablets alone."""
    time_is(NOON)
    with app.app_context():
        cases = [create_invitation(centre=CENTRE) for _ in range(usual + 16)]
        for one in cases[:10]:
            send_answer(one.token, {"off.nps": 9})
    on_tablet = [make_tablet_answer(short_code=one.short_code, pace={"seconds": 0}) for one in cases[10:16]]
    on_tablet += [make_tablet_answer(short_code=one.short_code, pace={"seconds": 20}) for one in cases[16:]]
    assert deliver_answers(tablet, *on_tablet) == ["accepted"] * len(on_tablet)

    without = new_caller("summaries:read").get("/summaries").json["without_signals"]

    assert without["suppressed"] is not told
    if told:
        assert (without["signalled"], without["indicators"][0]["n"]) == (6, 10 + usual)


def test_nothing_follows_about_one_kind_of_tablet_by_subtracting_the_other(
    app: Flask, tablet: Caller, new_caller: NewCaller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A methodology may count both; the hall's six odd answers alone are enough, the three of walk-ups are not."""
    time_is(NOON)
    shipped = published.read_in_force
    both = frozenset({"tablet_hall", "tablet_walkup"})
    monkeypatch.setattr(published, "read_in_force", lambda tx, day: replace(shipped(tx, day), sources=both))
    with app.app_context():
        cases = [create_invitation(centre=CENTRE) for _ in range(12)]
    odd, usual = {"pace": {"seconds": 0}}, {"pace": {"seconds": 20}}
    in_hall = [
        make_tablet_answer(short_code=one.short_code, **(odd if place < 6 else usual))
        for place, one in enumerate(cases)
    ]
    deliver_answers(
        tablet,
        *in_hall,
        *[make_tablet_answer(**odd) for _ in range(3)],
        *[make_tablet_answer(**usual) for _ in range(10)],
    )
    told = new_caller("summaries:read")

    assert told.get("/summaries?source=tablet_hall").json["without_signals"]["signalled"] == 6
    assert told.get("/summaries").json["without_signals"] == {"suppressed": True}


@pytest.mark.parametrize("usual_offline", [0, 10])
def test_how_many_are_odd_is_told_of_the_front_offices_that_are_told(
    app: Flask, tablet: Caller, new_caller: NewCaller, time_is: TimeIs, usual_offline: int
) -> None:
    time_is(NOON)
    odd, usual = {"pace": {"seconds": 0}}, {"pace": {"seconds": 20}}
    items = []
    with app.app_context():
        offices = (("offline", "off.nps", 3, usual_offline), ("online", "on.nps", 5, 10))
        for office, question, few, others in offices:
            for place in range(few + others):
                code = create_invitation(centre=CENTRE, front_office=office).short_code
                version = f"{office}-2026.1"
                pace = odd if place < few else usual
                items.append(make_tablet_answer({question: 9}, short_code=code, questionnaire=version, **pace))
    assert set(deliver_answers(tablet, *items)) == {"accepted"}

    without = new_caller("summaries:read").get("/summaries").json["without_signals"]

    offline, online = without["indicators"]
    assert offline.get("suppressed") and online["n"] == 10
    assert without["signalled"] == 5


@pytest.mark.parametrize("by", ["source", "channel", "part_of_week", "day"])
def test_beside_groups_the_other_total_is_withheld(
    tablet: Caller, new_caller: NewCaller, time_is: TimeIs, by: str
) -> None:
    """A group of a source that can carry no signal could be subtracted."""
    time_is(NOON)
    deliver_answers(
        tablet,
        *[make_tablet_answer(pace={"seconds": 0}) for _ in range(6)],
        *[make_tablet_answer() for _ in range(6)],
    )
    assert _summary(new_caller, by)["without_signals"] == {"suppressed": True}
    assert _summary(new_caller)["without_signals"]["signalled"] == 6


def test_both_totals_are_of_one_moment(
    tablet: Caller, new_caller: NewCaller, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_is(NOON)
    deliver_answers(tablet, *[make_tablet_answer({"off.nps": 10}) for _ in range(7)])
    summarise_counts = summaries.summarise_counts

    def somebody_answers_meanwhile(*counts: Any, **how: Any) -> Any:
        deliver_answers(tablet, make_tablet_answer({"off.nps": 0}))
        return summarise_counts(*counts, **how)

    where = "feedback_service.figures.without_signals.summarise_counts"
    monkeypatch.setattr(where, somebody_answers_meanwhile)
    told = _summary(new_caller)

    assert told["without_signals"]["indicators"] == told["indicators"]


def test_without_anything_odd_both_totals_are_the_same(tablet: Caller, new_caller: NewCaller, time_is: TimeIs) -> None:
    time_is(NOON)
    deliver_answers(tablet, *[make_tablet_answer() for _ in range(7)])
    told = _summary(new_caller)
    assert told["without_signals"]["signalled"] == 0
    assert told["without_signals"]["indicators"] == told["indicators"]
    assert told["without_signals"]["questions"] == told["questions"]


def _summary(new_caller: NewCaller, by: str | None = None) -> Any:
    groups = f"&by={by}" if by else ""
    return new_caller("summaries:read").get(f"/summaries?source=tablet_walkup{groups}").json
