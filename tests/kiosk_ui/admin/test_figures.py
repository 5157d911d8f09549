"""Pages with figures: what they show and withhold, addresses with mistakes, exports."""

import csv
import io
import json
import re
from datetime import date, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feedback_service.database import transaction
from feedback_service.flow import api_keys
from feedback_service.models import Centre, Service
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import check_house_rules
from tests.support.payloads import PAYLOADS
from tests.support.respondents import Person, make_people, store_answers
from tests.support.staff import StaffClient
from tests.support.story import create_invitation, send_answer

pytestmark = pytest.mark.slow  # many people answer before each test

TODAY = date(2026, 11, 20)
PAGES = ("/admin/", "/admin/figures", "/admin/figures?by=part_of_week", "/admin/sources-compared")


@pytest.fixture(autouse=True)
def friday_noon(time_is: TimeIs) -> None:
    """Stop the clock on a Friday at noon."""
    time_is("2026-11-20T12:00+02:00")


@pytest.fixture
def head(app: Flask, signed_in: SignedIn) -> StaffClient:
    """The head of a centre where some hundred people answered in three months."""
    with app.app_context():
        store_answers(make_people(5, 300, first_day=TODAY - timedelta(80), days=80, centres=(OWN_CENTRE,)))
        send_answer(create_invitation(centre=OWN_CENTRE).token, {"off.nps": 9})
    return signed_in("head")


def get_text(me: StaffClient, path: str, status: int = 200) -> str:
    """Get a page, check the house rules and return its HTML."""
    reply = me.get(path)
    assert reply.status_code == status, reply.text
    check_house_rules(reply.text)
    return reply.text


@pytest.mark.parametrize("lang", ["uk", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_with_figures_says_that_the_methodology_is_not_confirmed(
    head: StaffClient, page: str, lang: str
) -> None:
    text = get_text(head, f"{page}{'&' if '?' in page else '?'}lang={lang}")
    assert {"uk": "Методика не підтверджена", "en": "The methodology is not confirmed"}[lang] in text


@pytest.mark.parametrize("page", PAGES)
def test_a_centre_where_nobody_answered_has_calm_pages(signed_in: SignedIn, page: str) -> None:
    text = get_text(signed_in("administrator"), page)
    assert not any(figure in text for figure in ('<p class="big">', "None", "nan"))


def test_figures_of_the_page_are_those_of_the_api(app: Flask, head: StaffClient) -> None:
    with app.app_context():
        key = api_keys.add_key(["summaries:read"], [OWN_CENTRE])
    period = {"from": "2026-09-01", "to": "2026-11-20"}
    reply = app.test_client().get(
        "/api/v1/summaries",
        query_string=period | {"centre": OWN_CENTRE},
        headers={"Authorization": f"Bearer {key}"},
    )
    summary = json.loads(reply.text)
    exported = json.loads(head.get("/admin/figures/export?table=offices&format=json&from=2026-09-01").text)

    assert [indicator["front_office"] for indicator in summary["indicators"]] == ["offline", "online"]
    for row, indicator in zip(exported["rows"], summary["indicators"], strict=True):
        assert (row["n"], row["loyalty_index"]) == (indicator["n"], indicator["value"])
        assert [row["loyalty_low"], row["loyalty_high"]] == indicator["interval"]
    page = get_text(head, "/admin/?from=2026-09-01&lang=en")
    for indicator in summary["indicators"]:
        assert f'<p class="big">{indicator["value"]}'.replace("-", "−") in page


@pytest.mark.parametrize(
    ("query", "sentence", "shown"),
    [
        ("from=2026-11-10&to=2026-11-01", "exchanged", ("2026-11-01", "2026-11-10")),
        ("to=2027-03-01", "lies ahead", ("2026-08-22", "2026-11-20")),
        ("from=2026-02-31&to=2026-03-10", "nearest is 28\u00a0February", ("2026-02-28", "2026-03-10")),
        ("from=yesterday", "is no day", ("2026-08-22", "2026-11-20")),
        ("from=0000-99-99", "nearest is", ("2021-08-11", "2026-11-20")),
        ("from=1999-01-01", "no answers before", ("2021-08-11", "2026-11-20")),
        ("from=9999-12-31&to=9999-12-31", "lies ahead", ("2026-11-20", "2026-11-20")),
        ("source=rumour", "nothing to filter by", ("2026-08-22", "2026-11-20")),
        ("front_office=back", "nothing to filter by", ("2026-08-22", "2026-11-20")),
        ("service=1&workplace=2", "Only one of", ("2026-08-22", "2026-11-20")),
        ("by=colour", "cannot be told apart", ("2026-08-22", "2026-11-20")),
        ("workplace=%E2%80%AE", "nothing to filter by", ("2026-08-22", "2026-11-20")),
        ("language=xx", "xx", ("2026-08-22", "2026-11-20")),
        ("language=no+language", "no language", ("2026-08-22", "2026-11-20")),
    ],
)
def test_what_is_impossible_gets_a_sentence_and_the_nearest_view(
    head: StaffClient, query: str, sentence: str, shown: tuple[str, str]
) -> None:
    text = get_text(head, f"/admin/figures?lang=en&{query}")

    assert sentence in text
    for name, day in zip(("from", "to"), shown, strict=True):
        assert f'name="{name}" type="date" value="{day}"' in text


def test_a_query_with_a_nul_is_refused_with_a_page(head: StaffClient) -> None:
    reply = head.get("/admin/figures?lang=en&service=a%00b")

    assert reply.status_code == 400
    assert "could not be read" in reply.text


def test_a_foreign_centre_is_not_there(app: Flask, head: StaffClient) -> None:
    for page in PAGES:
        assert head.get(f"{page}{'&' if '?' in page else '?'}centre={FOREIGN_CENTRE}").status_code == 404
    assert head.get(f"/admin/figures/export?centre={FOREIGN_CENTRE}").status_code == 404
    assert head.post(f"/admin/sources-compared?centre={FOREIGN_CENTRE}", {"text": "x"}).status_code == 404


@pytest.mark.parametrize("query", ["table=nothing", "format=exe", "table=trend-", "table=service-back"])
def test_a_table_that_there_is_not_is_not_there(head: StaffClient, query: str) -> None:
    assert head.get(f"/admin/figures/export?{query}").status_code == 404


def test_a_view_keeps_its_address_through_every_link(head: StaffClient) -> None:
    text = get_text(head, "/admin/?from=2026-09-01&to=2026-10-31&front_office=offline&source=qr_case&lang=en")
    links = [part.split('"')[0] for part in text.split('href="')[1:]]
    figure_links = [link for link in links if link.startswith("/admin/figures")]

    assert figure_links
    for link in figure_links:
        for argument in (
            "from=2026-09-01",
            "to=2026-10-31",
            "front_office=offline",
            "source=qr_case",
            "lang=en",
        ):
            assert argument in link.replace("&amp;", "&"), link


def test_from_a_services_figures_one_click_leads_to_what_its_displeased_people_wrote(
    head: StaffClient,
) -> None:
    page = get_text(head, "/admin/?from=2026-10-01&to=2026-10-31&service=00034&front_office=offline&lang=en")
    [address] = re.findall(rf'href="(/admin/centres/{OWN_CENTRE}/comments[^"]*)"', page)

    wanted = parse_qs(urlsplit(unescape(address)).query)
    assert wanted == {
        **{"from": ["2026-10-01"], "to": ["2026-10-31"], "service": ["00034"], "front_office": ["offline"]},
        **{"poor": ["1"], "lang": ["en"]},
    }
    assert head.get(unescape(address)).status_code == 200


def test_who_may_not_read_comments_is_not_led_to_them(signed_in: SignedIn) -> None:
    assert "/comments" not in get_text(signed_in("council"), "/admin/")


def test_better_or_worse_is_told_only_where_the_interval_allows_it(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        september, october = date(2026, 9, 15), date(2026, 10, 15)
        for day, bad in ((september, 2), (october, 30)):
            store_answers([Person(day, {"off.nps": "10", "off.quality": "great"})] * (150 - bad))
            store_answers([Person(day, {"off.nps": "10", "off.quality": "awful"})] * bad)
    me = signed_in("administrator")

    text = get_text(me, "/admin/?from=2026-10-01&to=2026-10-31&lang=en")
    assert "worse than in the period before by +18.7 percentage points" in " ".join(text.split())
    assert text.count("no different from the period before") >= 1
    assert "by +0.0" not in text


def test_too_few_people_are_nowhere_on_the_page(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        store_answers([Person(TODAY, {"off.nps": "3", "off.quality": "awful"}, ("queue",))] * 3)
    me = signed_in("head")
    text = get_text(me, "/admin/?lang=en")

    assert "Too few answers to show" in text
    assert "queue" not in text
    rows = json.loads(me.get("/admin/figures/export?table=offices&format=json").text)["rows"]
    assert {row["n"] for row in rows} == {None}


def test_a_provider_sees_its_own_cases_only(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        store_answers([Person(TODAY, {"off.nps": "10"}, provider="00032112")] * 8)
        store_answers([Person(TODAY, {"off.nps": "0"}, provider="43220851")] * 50)
    me = signed_in("provider", "00032112")
    rows = json.loads(me.get("/admin/figures/export?table=offices&format=json").text)["rows"]

    assert (rows[0]["n"], rows[0]["loyalty_index"]) == (8, 100.0)
    assert me.get("/admin/?provider=43220851").status_code == 404
    assert "43220851" not in get_text(me, "/admin/figures?by=provider")
    assert "cannot be told apart" in get_text(me, "/admin/figures?by=workplace&lang=en")


def test_who_sees_some_services_cannot_subtract_one_from_the_others(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        for code, n in (("00001", 3), ("00002", 7), ("00003", 40), ("00004", 60)):
            store_answers([Person(TODAY, {"off.nps": "10", "off.quality": "good"}, service=(code, ""))] * n)
    me = signed_in("central_body", "00001", "00002", "00003")

    def answers(query: str) -> dict[str | None, int | None]:
        export = json.loads(me.get(f"/admin/figures/export?format=json&front_office=offline&{query}").text)
        return {row.get("key"): row["n"] for row in export["rows"]}

    groups = answers("by=service&table=service-offline")
    assert groups == {"00001": None, "00002": None, "00003": 40}
    assert answers("table=offices") == {None: 50}
    assert {code: answers(f"table=offices&service={code}")[None] for code in groups} == groups


def test_an_operator_sees_no_figures(head: StaffClient, signed_in: SignedIn) -> None:
    me = signed_in("operator")
    assert 'class="big"' not in get_text(me, "/admin/?lang=en")
    assert me.get("/admin/figures").status_code == 403


# Explanations -------------------------------------------------------------------------------------------------

PERIOD = f"/admin/sources-compared?centre={OWN_CENTRE}&from=2026-10-01&to=2026-10-31"


def explain(me: StaffClient, words: str, after: int = 0) -> Any:
    """Send an explanation written after the version ``after``."""
    return me.post(PERIOD, {"text": words, "after": str(after)})


def test_an_explanation_is_kept_with_its_author_day_and_earlier_versions(head: StaffClient) -> None:
    assert explain(head, "У телефонних опитуваннях люди добріші.").status_code == 303
    assert explain(head, "Планшет стояв біля зламаного кондиціонера.", after=1).status_code == 303
    text = get_text(head, f"{PERIOD}&lang=en")

    assert "Планшет стояв біля зламаного кондиціонера." in text
    assert "У телефонних опитуваннях люди добріші." in text
    assert head.email in text
    assert "20\u00a0November 2026, 12:00" in text.replace("November\u00a02026", "November 2026")
    assert "Nothing has been written" in get_text(head, "/admin/sources-compared?lang=en")


def test_the_funnel_counts_invitations_and_the_journal_numbers_entries(head: StaffClient) -> None:
    funnel = head.get("/admin/figures/export?table=funnel&format=csv").text
    assert funnel.lstrip("\ufeff").splitlines()[0] == "Крок;Кількість"

    explain(head, "Причина")
    assert "Номер" in get_text(head, "/admin/journal")


def test_of_two_who_write_at_once_the_second_sees_the_first(head: StaffClient, signed_in: SignedIn) -> None:
    other = signed_in("administrator")
    assert explain(other, "Перша думка").status_code == 303
    reply = explain(head, "Друга думка")

    assert reply.status_code == 409
    assert "Перша думка" in reply.text
    assert "Друга думка" in reply.text
    assert explain(head, "Обидві думки", after=1).status_code == 303


@pytest.mark.parametrize("words", ["", "   ", "x" * 2001, "\u202eзлий"])
def test_an_explanation_that_cannot_be_kept_comes_back_as_typed(head: StaffClient, words: str) -> None:
    reply = explain(head, words)
    assert reply.status_code == 422
    assert words.strip() in reply.text


def test_the_journal_knows_who_explained(head: StaffClient) -> None:
    explain(head, "Причина")
    assert "explained why channels differ" in get_text(head, "/admin/journal?lang=en")


# Active content in stored texts -------------------------------------------------------------------------------


@transaction
def rename_everything(tx: Session) -> None:
    """Give every name that a case system or an administrator may choose one of the payloads."""
    services = tx.scalars(select(Service).where(Service.code.startswith("P"))).all()
    for service in services:
        service.title = PAYLOADS[int(service.code[1:])]
    tx.execute(update(Centre).where(Centre.code == OWN_CENTRE).values(name=PAYLOADS[0]))


@pytest.mark.parametrize("page", ["/admin/?", "/admin/figures?by=service&", "/admin/figures?by=workplace&"])
def test_no_stored_text_runs_in_a_page_or_chart(app: Flask, signed_in: SignedIn, page: str) -> None:
    with app.app_context():
        for number, payload in enumerate(PAYLOADS):
            facts: dict[str, Any] = {"service": (f"P{number:03}", ""), "workplace": payload[:64]}
            store_answers([Person(TODAY, {"off.nps": "5", "off.quality": "awful"}, **facts)] * 5)
        rename_everything()
    reply = signed_in("head").get(f"{page}from=2026-11-20&lang=en")

    check_house_rules(reply.text)
    plain = {"svg", "title", "desc", "g", "rect", "line", "path", "circle", "polygon", "text"}
    charts = [f"<svg {part.split('</svg>')[0]}</svg>" for part in reply.text.split("<svg ")[1:]]
    assert charts
    for chart in charts:
        assert {element.tag for element in ElementTree.fromstring(chart).iter()} <= plain
    for payload in PAYLOADS:
        if set(payload) & set("<>\"'"):
            assert payload not in reply.text
            assert payload[:64] not in reply.text or not set(payload[:64]) & set("<>\"'")


@pytest.mark.parametrize("by", ["service", "workplace"])
def test_no_stored_text_runs_in_a_table_that_is_taken_away(app: Flask, signed_in: SignedIn, by: str) -> None:
    formulas = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1"]
    with app.app_context():
        for number, formula in enumerate(formulas):
            facts: dict[str, Any] = {"service": (formula[:8], f"{number}"), "workplace": formula}
            store_answers([Person(TODAY, {"off.nps": "5"}, **facts)] * 5)
    text = signed_in("head").get(f"/admin/figures/export?by={by}&table={by}-offline&format=csv").text
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=";") for cell in row]

    assert any(cell.startswith("'=1+1") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
