"""Public pages: the first page with a typed code, a centre's figures, the notices."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from feedback_service.flow import publishing
from feedback_service.surveys import questionnaires
from tests.conftest import TimeIs
from tests.kiosk_ui.conftest import GetPage
from tests.support import story


@pytest.fixture
def answered(app: Flask, centre: str) -> Callable[..., None]:
    """``answered(12, {"off.nps": 9})`` stores this answer of so many people."""

    def answered(people: int, answers: dict[str, object], **facts: object) -> None:
        with app.app_context():
            for _ in range(people):
                story.send_answer(story.create_invitation(**facts).token, answers)

    return answered


# --- the first page ---


def test_a_typed_code_leads_to_its_survey(app: Flask, client: FlaskClient, centre: str) -> None:
    with app.app_context():
        invitation = story.create_invitation()

    reply = client.post("/", data={"code": f" {invitation.short_code.lower().replace('-', ' ')} "})

    assert (reply.status_code, reply.location) == (303, f"/S/{invitation.token}")


def test_a_receipt_is_typed_in_the_same_field(app: Flask, client: FlaskClient, centre: str, get_page: GetPage) -> None:
    with app.app_context():
        receipt = story.send_answer(story.create_invitation().token, {"off.nps": 9}).receipt
    spelled = get_page(f"/R/{receipt}").find_one("output").text

    reply = client.post("/?lang=en", data={"code": spelled.lower()})

    assert (reply.status_code, reply.location) == (303, f"/R/{receipt}?lang=en")


@pytest.mark.parametrize("code", ["", "K7Q2-7K3M-9QXT", "щось", "0" * 1000, "\x00"])
def test_an_unknown_code_is_still_in_the_field(post_page: GetPage, code: str) -> None:
    page = post_page("/", {"code": code}, 404)

    assert page.find_one("title").text.startswith("Помилка: ")
    assert page.find_field("code")["value"].strip("\x00\ufffd") == code.strip("\x00")
    [link] = [link for link in page.find_all("a") if link["href"] == "#code"]
    assert link.text.startswith("Такого коду немає.")


def test_guessing_is_slowed_down_for_a_centre_and_never_for_its_links(
    app: Flask, client: FlaskClient, centre: str
) -> None:
    with app.app_context():
        invitation = story.create_invitation()
    wrong = invitation.short_code[:-1] + ("A" if invitation.short_code[-1] != "A" else "B")

    for _ in range(100):
        refused = client.post("/", data={"code": wrong})
        if refused.status_code == 429:
            break

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert wrong in refused.text
    assert client.get(f"/S/{invitation.token}").status_code == 200
    right = client.post("/", data={"code": invitation.short_code})
    assert (right.status_code, right.location) == (303, f"/S/{invitation.token}")


# --- a centre's figures ---


def test_a_centre_shows_its_indicators_with_intervals_and_the_state_of_the_methodology(
    answered: Callable[..., None], get_page: GetPage
) -> None:
    answered(9, {"off.nps": 10, "off.staff": "great"})
    answered(3, {"off.nps": 0, "off.staff": "awful"})

    page = get_page(f"/centres/{story.CENTRE}")

    text = page.find_one("main").text
    assert "Методика не підтверджена" in text
    assert "50,0 Індекс лояльності" in text
    assert "12\u00a0відповідей" in text
    [row] = [row for row in page.find_all("tr") if "персонал" in row.text]
    cells = [cell.text for cell in row.children if not isinstance(cell, str) and cell.tag == "td"]
    assert cells[:4] == ["9", "0", "0", "3"]
    assert cells[4].startswith("75,0\u00a0% (")
    assert text.count("Відповідей ще немає.") == 1, "nobody answered online"


def test_a_loaded_wording_shows_from_the_day_it_is_in_force(
    app: Flask, answered: Callable[..., None], get_page: GetPage, time_is: TimeIs
) -> None:
    time_is("2026-11-20T12:00+02:00")
    answered(12, {"off.nps": 10, "off.staff": "great"})
    [shipped] = Path(questionnaires.__file__).parent.glob("questionnaires/offline-*.json")
    for version, day, words in (
        ("offline-2026.3", "2026-11-19", "Старі слова?"),
        ("offline-2026.2", "2026-11-20", "Офіційні слова?"),
        ("offline-2026.4", "2026-11-21", "Майбутні слова?"),
    ):
        document = json.loads(shipped.read_text(encoding="utf-8"))
        document |= {"version": version, "effective_from": day}
        [staff] = [question for question in document["questions"] if question["id"] == "off.staff"]
        staff["text"]["uk"] = words
        with app.app_context():
            publishing.publish_questionnaire(document)

    text = get_page(f"/centres/{story.CENTRE}").find_one("main").text

    assert "Офіційні слова?" in text
    assert "Старі слова?" not in text and "Майбутні слова?" not in text


def test_few_answers_are_not_shown_to_the_public(answered: Callable[..., None], get_page: GetPage) -> None:
    answered(9, {"off.nps": 10, "off.staff": "great"})

    page = get_page(f"/centres/{story.CENTRE}?lang=en")

    assert "Too few answers to show." in page.find_one("main").text
    assert not page.find_all("table")
    assert "Loyalty index" not in page.find_one("main").text


def test_an_unknown_centre_has_no_page(get_page: GetPage) -> None:
    assert get_page("/centres/SN99999999", 404)
    assert get_page("/privacy?centre=SN99999999", 404)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_text_that_can_be_no_code_is_no_centre_on_any_database(centre: str, get_page: GetPage) -> None:
    for strange in ("%00", f"{centre}%00", "A" * 4000, "%D0%A6%D0%9D12000007", "%ED%A0%80", "SN12%0A", "-"):
        assert get_page(f"/C/{strange}", 404)
        assert get_page(f"/centres/{strange}", 404)
        # A query with a NUL is refused before anybody asks whether there is such a centre.
        assert get_page(f"/privacy?centre={strange}", 400 if "%00" in strange else 404)


# --- notices ---


@pytest.mark.parametrize("path", ["/", "/privacy", "/accessibility"])
@pytest.mark.parametrize("lang", ["uk", "en"])
def test_notices_are_there_in_both_languages(get_page: GetPage, path: str, lang: str) -> None:
    assert get_page(f"{path}?lang={lang}").find_one("html")["lang"] == lang


def test_the_notice_names_who_answers_for_the_data(get_page: GetPage, centre: str) -> None:
    assert "ЦНАП міста Підзвітне" in get_page(f"/privacy?centre={centre}").find_one("main").text


# --- refusals ---


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/assets/none.css", 404), ("PUT", "/", 405), ("GET", "/masked", 405)],
)
def test_every_refusal_is_a_page(client: FlaskClient, method: str, path: str, status: int) -> None:
    reply = client.open(path, method=method)

    assert (reply.status_code, reply.mimetype) == (status, "text/html")
    assert ("Allow" in reply.headers) is (status == 405)


def test_no_link_leads_to_another_site(get_page: GetPage) -> None:
    for path in ("/%2Fevil.example", "/%2F%5Cevil.example", "/%22%3E%3Cscript%3E"):
        page = get_page(path, 404, base_url="http://localhost")  # the house rules refuse addresses of other sites

        assert not page.find_all("script")


def test_too_much_is_refused_in_words(client: FlaskClient) -> None:
    reply = client.post(f"/S/{'A' * 26}", data={"any.comment": "я" * 100_000})

    assert reply.status_code == 413
    assert "Забагато тексту" in reply.text


def test_a_form_in_pieces_is_refused_before_it_could_be_cut_off(client: FlaskClient) -> None:
    reply = client.post("/", data={"code": "K7Q2"}, headers={"Transfer-Encoding": "chunked"})

    assert reply.status_code == 411
    assert "<h1" in reply.text


def test_a_query_with_a_character_that_no_database_stores_is_refused_by_a_sentence(client: FlaskClient) -> None:
    reply = client.get("/?code=%00")

    assert reply.status_code == 400
    assert "<h1" in reply.text


@pytest.mark.parametrize(("page", "most"), [("/", 1_000), ("/admin/sign-in", 10_000), ("/admin/nothing-here", 10_000)])
def test_a_form_of_very_many_fields_is_refused_before_it_is_read(client: FlaskClient, page: str, most: int) -> None:
    reply = client.post(page, data="a&" * (most + 1), content_type="application/x-www-form-urlencoded")

    assert reply.status_code == 400


def test_a_fault_of_ours_is_a_page_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("feedback_service.flow.answers.open_survey", fail)
    app.testing = False

    reply = app.test_client().get(f"/S/{uuid.uuid4().hex}")

    assert (reply.status_code, reply.mimetype) == (500, "text/html")
    assert "У нас щось зламалося" in reply.text
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_page_says_what_browsers_may_do_with_it(client: FlaskClient) -> None:
    for path in ("/", "/privacy", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_the_year_on_the_page_begins_in_january(get_page: GetPage, centre: str, time_is: TimeIs) -> None:
    time_is("2026-11-20T12:00+02:00")

    text = get_page(f"/centres/{centre}").find_one("main").text

    assert "1\u00a0січня\u00a02026\u00a0року – 20\u00a0листопада\u00a02026\u00a0року" in text
