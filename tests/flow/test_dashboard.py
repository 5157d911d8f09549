"""What an administrator sees is what the API tells, told apart, compared and withheld by the same rules."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from feedback_service import clock
from feedback_service.access.sessions import FULL_STAGE, CurrentUser
from feedback_service.figures.breakdown import BREAKDOWNS, Breakdown
from feedback_service.figures.comparison import Share
from feedback_service.figures.overview import TREND_WEEKS, Overview, make_overview
from feedback_service.figures.shapes import FigureQuery, FigureSubset, Funnel, Summary
from feedback_service.figures.summary_json import summary_json
from feedback_service.flow import alarm_duties, api_keys, dashboard, duties, maintenance
from feedback_service.indicators.methodology import shipped_methodologies
from feedback_service.indicators.scoring import Figures, IndicatorFigure, LoyaltyIndex
from tests.conftest import TimeIs
from tests.support.respondents import SERVICES, Person, make_people, store_answers
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer
from tests.support.summaries import read_summary_json

pytestmark = pytest.mark.usefixtures("context")

OFFICIAL = shipped_methodologies()[0]
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 20)
VIEW = FigureQuery(frozenset({CENTRE}), FIRST, LAST)


@pytest.fixture(autouse=True)
def friday_noon(context: None, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")
    create_centre()


def api(app: Flask, **query: Any) -> dict[str, Any]:
    """What GET /summaries replies."""
    key = api_keys.add_key(["summaries:read"], [CENTRE])
    asked = {"centre": CENTRE, "from": FIRST.isoformat(), "to": LAST.isoformat()} | query
    reply = app.test_client().get("/api/v1/summaries", query_string=asked, headers={"Authorization": f"Bearer {key}"})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = json.loads(reply.text)
    return told


def overview(query: FigureQuery) -> Overview:
    """The first screen's figures."""
    return dashboard.read_overview(query)[0]


def breakdown(query: FigureQuery, by: str) -> Sequence[Breakdown]:
    """The front offices by groups."""
    return dashboard.read_breakdown_page(query, by).breakdowns


def indicator_json(front_office: str, index: LoyaltyIndex | None) -> object:
    """The indicator as GET /summaries replies it."""
    figures = Figures((IndicatorFigure(front_office, OFFICIAL.loyalty.status, index),))
    members: dict[str, Any] = summary_json(Summary(FIRST, LAST, OFFICIAL, False, Funnel(), figures, ()))
    return members["indicators"][0]


def somebody(role: str) -> CurrentUser:
    """Somebody of this role at the centre, signed in."""
    moment, nobody = clock.now(), uuid.uuid4()
    return CurrentUser(nobody, nobody, "x@rada.example", role, (CENTRE,), FULL_STAGE, moment, moment, frozenset())


def said(*words: str, day: date = LAST, **facts: Any) -> list[Person]:
    """People who were of these opinions of the whole, and would all recommend it."""
    return [Person(day, {"off.nps": "10", "off.quality": word}, **facts) for word in words]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True])
def test_every_figure_of_the_overview_is_the_apis(app: Flask, closed: bool) -> None:
    store_answers(make_people(1, 400, first_day=FIRST - timedelta(80), days=150))
    send_answer(create_invitation().token, {"off.nps": 9})
    if closed:
        maintenance.close_days()
    told = overview(VIEW)
    reply = api(app, by="source")

    summary = summary_json(told.summary)
    assert summary == {name: reply[name] for name in summary}
    for office, indicator in zip(told.offices, reply["indicators"], strict=True):
        assert indicator_json(office.name, office.index) == indicator
    [quality] = [one for one in reply["questions"] if one["id"] == "off.quality"]
    offline = told.offices[0].bad
    assert offline == Share(quality["counts"]["acceptable"] + quality["counts"]["awful"], quality["n"])
    assert {reason.name: reason.n for reason in told.reasons} == {
        reason["id"]: reason["n"] for reason in reply["reasons"]
    }
    assert told.reasons[-1].upto == 100.0


def compare_breakdown(app: Flask, by: str) -> tuple[list[str | None], list[str | None]]:
    """Compare each group with the one of the API; return the keys of those that are told, and of those withheld."""
    groups = {group["key"]: group for group in api(app, by=by)["groups"]}
    told, withheld = list[str | None](), list[str | None]()
    for part in breakdown(VIEW, by):
        for group in part.groups:
            own = groups[group.key]
            if group.suppressed:
                assert own["suppressed"] or any(
                    one.get("suppressed") for one in own["indicators"] if one["front_office"] == part.front_office
                )
                withheld.append(group.key)
                continue
            [indicator] = [one for one in own["indicators"] if one["front_office"] == part.front_office]
            assert indicator_json(part.front_office, group.index) == indicator
            counts = {one["id"]: one for one in own["questions"]}[OFFICIAL.overall[part.front_office].id]
            assert group.bad is not None
            assert group.bad.n == counts["n"]
            told.append(group.key)
    assert {*told, *withheld} == groups.keys()
    return told, withheld


@pytest.mark.parametrize("by", BREAKDOWNS)
def test_every_figure_of_a_breakdown_is_the_apis(app: Flask, by: str) -> None:
    store_answers(make_people(2, 500, first_day=FIRST, days=60))
    told, withheld = compare_breakdown(app, by)

    assert told and not withheld


@pytest.mark.parametrize("by", ["service", "provider", "workplace", "source"])
def test_a_breakdown_withholds_what_the_api_withholds(app: Flask, by: str) -> None:
    store_answers(make_people(2, 30, first_day=FIRST, days=60))
    told, withheld = compare_breakdown(app, by)

    assert told and withheld


def test_the_trend_is_the_apis_week_by_week(app: Flask) -> None:
    store_answers(make_people(3, 300, first_day=FIRST, days=80))
    [offline, _] = overview(VIEW).trends
    first = VIEW.last - timedelta(days=VIEW.last.weekday(), weeks=TREND_WEEKS - 1)
    groups = {group["key"]: group for group in api(app, by="week", **{"from": first.isoformat()})["groups"]}

    assert offline.by == "week"
    for key, bad in zip(offline.keys, offline.bad, strict=True):
        group = groups.get(key)
        if group is None:
            assert bad == Share(0, 0)
        elif bad is not None:
            [quality] = [one for one in group["questions"] if one["id"] == "off.quality"]
            assert bad.n == quality["n"]
        else:
            assert group["suppressed"] or group["indicators"][0].get("suppressed")


def test_the_figures_of_one_chosen_service_are_those_of_its_group() -> None:
    store_answers(make_people(4, 400, first_day=FIRST, days=60))
    [code, _] = SERVICES[3]
    alone = overview(FigureQuery(frozenset({CENTRE}), FIRST, LAST, subset=FigureSubset("service", frozenset({code}))))
    reply: dict[str, Any] = read_summary_json(centres=[CENTRE], first=FIRST, last=LAST, by="service", min_group=5)
    [group] = [one for one in reply["groups"] if one["key"] == code]

    assert [indicator_json(office.name, office.index) for office in alone.offices] == group["indicators"]
    summary = summary_json(alone.summary)
    assert summary["questions"] == group["questions"]
    assert summary["funnel"] == group["funnel"]
    with pytest.raises(ValueError, match="told apart"):
        read_summary_json(
            centres=[CENTRE],
            first=FIRST,
            last=LAST,
            by="workplace",
            min_group=5,
            subset=FigureSubset("service", frozenset({code})),
        )


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), (date(2026, 9, 1), date(2026, 9, 30))),
        (date(2026, 7, 1), date(2026, 9, 30), (date(2026, 4, 1), date(2026, 6, 30))),
        (date(2025, 1, 1), date(2025, 12, 31), (date(2024, 1, 1), date(2024, 12, 31))),
        (date(2026, 1, 1), date(2026, 3, 31), (date(2025, 10, 1), date(2025, 12, 31))),
        (date(2026, 11, 10), date(2026, 11, 19), (date(2026, 10, 31), date(2026, 11, 9))),
        (date(2026, 11, 20), date(2026, 11, 20), (date(2026, 11, 19), date(2026, 11, 19))),
    ],
)
def test_a_period_is_compared_with_the_equal_one_before(first: date, last: date, before: tuple[date, date]) -> None:
    told = FigureQuery(frozenset({CENTRE}), first, last).previous_period()
    assert (told.first, told.last) == before


def test_the_verdict_compares_with_the_period_before() -> None:
    october = FigureQuery(frozenset({CENTRE}), date(2026, 10, 1), date(2026, 10, 31))
    store_answers(said(*["great"] * 98, "awful", "good", day=date(2026, 9, 15)))
    store_answers(said(*["great"] * 80, *["awful"] * 20, day=date(2026, 10, 15)))

    [offline, online] = overview(october).offices

    assert offline.bad_change is not None
    assert (offline.bad_change.verdict, offline.bad_change.points) == ("worse", 19.0)
    assert offline.index_change is not None
    assert offline.index_change.verdict == "no_different"
    assert online.index_change is not None
    assert online.index_change.verdict == "too_few"


def test_a_window_beyond_the_limits_is_marked_and_no_order_is_made_of_them() -> None:
    store_answers(said(*["good"] * 190, *["awful"] * 2, workplace="window-1"))
    store_answers(said(*["good"] * 60, *["awful"] * 20, workplace="window-2"))
    store_answers(said(*["good"] * 6, workplace="window-3"))

    [offline, _] = breakdown(VIEW, "workplace")

    assert [group.key for group in offline.groups] == ["window-1", "window-2", "window-3"]
    assert [group.place for group in offline.groups] == ["beyond_998", "beyond_998", "inside"]
    assert offline.whole == Share(22, 278)
    assert (offline.curve[0].n, offline.curve[-1].n) == (6, 192)


def test_a_result_tells_of_how_many_cases_it_comes() -> None:
    for _ in range(7):
        create_invitation()
    for _ in range(6):
        send_answer(create_invitation().token, {"off.nps": 9})
    store_answers([Person(LAST, source="paper_box")] * 6)

    sources = {one.name: one for one in overview(VIEW).sources}

    assert (sources["qr_case"].answers, sources["qr_case"].of_cases) == (6, 46.2)
    assert sources["qr_case"].counted


def test_channels_are_compared_by_the_same_question() -> None:
    store_answers(said(*["good"] * 115, *["awful"] * 5, source="qr_case"))
    store_answers(said(*["good"] * 50, source="phone_interview"))
    store_answers(said(*["good"] * 50, source="paper_box"))
    store_answers(said(*["good"] * 3, source="tablet_hall"))
    store_answers(said(*["awful"] * 50, source="tablet_walkup"))

    [offline, _] = dashboard.read_channels(VIEW)

    told = {channel.name: channel for channel in offline.channels}
    assert told["tablet"].index is None
    assert told["assisted"].index is None, "the smallest of the others hides beside three people"
    assert told["phone"].bad == Share(5, 120)
    assert {(pair.one, pair.other): pair.bad for pair in offline.pairs}["phone", "assisted"] is None


def test_the_interval_of_the_difference_between_channels_is_told() -> None:
    store_answers(said(*["good"] * 90, *["awful"] * 10, source="qr_case"))
    store_answers(said(*["good"] * 100, source="paper_box"))

    [offline, _] = dashboard.read_channels(VIEW)
    pairs = {(pair.one, pair.other): pair for pair in offline.pairs}

    bad = pairs["phone", "assisted"].bad
    assert bad is not None and bad.interval is not None
    assert bad.points == 10.0
    assert bad.interval[0] < 10.0 < bad.interval[1]
    assert bad.verdict == "worse"


def test_figures_of_too_few_people_are_withheld_on_every_page() -> None:
    store_answers(said("awful", "awful", "good"))
    told = overview(VIEW)

    assert told.summary.suppressed
    assert [(office.index, office.bad) for office in told.offices] == [(None, None)] * 2
    assert {bad for line in told.trends for bad in line.bad} <= {None, Share(0, 0)}
    assert told.reasons == ()
    assert all(group.suppressed for part in breakdown(VIEW, "service") for group in part.groups)


def alone(window: str, among: set[str | None] | None = None) -> Overview:
    """One window looked at by somebody who sees all of them, or these."""
    part = FigureSubset("workplace", frozenset({window}), frozenset(among) if among else None)
    return overview(replace(VIEW, subset=part))


def test_a_group_withheld_among_others_is_withheld_when_chosen_alone() -> None:
    store_answers(said(*["good"] * 3, workplace="window-1"))
    store_answers(said(*["good"] * 7, workplace="window-2"))
    store_answers(said(*["good"] * 40, workplace="window-3"))
    [offline, _] = breakdown(VIEW, "workplace")
    assert [group.suppressed for group in offline.groups] == [True, True, False]

    assert alone("window-1").summary.suppressed
    hidden = alone("window-2")
    assert hidden.summary.suppressed
    assert [(office.index, office.bad) for office in hidden.offices] == [(None, None)] * 2
    assert {bad for line in hidden.trends for bad in line.bad} <= {None, Share(0, 0)}
    assert alone("window-3").offices[0].bad == Share(0, 40)
    assert alone("window-2", {"window-2"}).offices[0].bad == Share(0, 7), "nobody else's figures are seen"
    assert alone("window-2", {"window-2", "window-3"}).offices[0].bad == Share(0, 7)
    assert alone("window-2", {"window-1", "window-2"}).summary.suppressed


def test_of_two_equal_groups_the_same_one_is_withheld_among_others_and_alone() -> None:
    store_answers(said(*["good"] * 7, workplace="window-2", day=FIRST))
    store_answers(said(*["good"] * 7, workplace="window-1"))
    store_answers(said(*["good"] * 3, workplace="window-3"))

    [offline, _] = breakdown(VIEW, "workplace")

    withheld = {group.key: group.suppressed for group in offline.groups}
    assert withheld == {"window-1": True, "window-2": False, "window-3": True}
    assert {key: alone(str(key)).summary.suppressed for key in withheld} == withheld


def test_all_numbers_of_the_first_screen_are_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    send_answer(create_invitation().token, {"off.nps": 9})
    waiting = dashboard.read_overview_page(somebody("head"), VIEW, CENTRE).delivery_totals

    def somebody_answers_meanwhile(query: FigureQuery, **summaries: Summary) -> Overview:
        send_answer(create_invitation().token, {"off.nps": 9})
        return make_overview(query, **summaries)

    monkeypatch.setattr("feedback_service.flow.dashboard.make_overview", somebody_answers_meanwhile)
    page = dashboard.read_overview_page(somebody("head"), VIEW, CENTRE)

    assert page.overview.summary.funnel.invited == 1
    assert page.delivery_totals == waiting


def test_the_first_screen_holds_nothing_that_the_visitor_may_not_see() -> None:
    send_answer(create_invitation().token, {"off.nps": 9, "any.breach": ["bribe"]})
    alarm_duties.raise_alarms(duties.never_stop)

    head = dashboard.read_overview_page(somebody("head"), VIEW, CENTRE)
    administrator = dashboard.read_overview_page(somebody("administrator"), VIEW, CENTRE)
    council = dashboard.read_overview_page(somebody("council"), VIEW, None)

    assert [alarm.kind for alarm in head.alarms] == ["breach"]
    assert list(administrator.alarms) == []
    assert administrator.delivery_totals is not None
    assert (
        list(council.alarms),
        council.delivery_totals,
        council.channel_failing,
        council.tablets_with_warnings,
    ) == ([], None, False, 0)
