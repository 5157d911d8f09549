"""What is managed in the administration: forms keep what was typed, mistakes are sentences, edits never collide."""

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from feedback_service import clock
from feedback_service.access.sessions import derive_form_token
from feedback_service.errors import Unavailable
from feedback_service.flow import api_keys, audit, sign_in, users
from feedback_service.models import JournalEntry
from kiosk_ui.admin.audit_text import PAGE_LABELS
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import check_house_rules
from tests.support import staff, stored
from tests.support.staff import PASSWORD, SAME_ORIGIN_HEADERS

PROFILE = f"/admin/centres/{OWN_CENTRE}/profile"
SERVICES = f"/admin/centres/{OWN_CENTRE}/services"
EVIL = '"><script>alert(1)</script>'


def test_everybody_learns_who_they_are_and_which_centres_they_see(signed_in: SignedIn) -> None:
    for role, words in (
        ("head", "ЦНАП міста Підзвітне"),
        ("operator", FOREIGN_CENTRE),
        ("ministry", "усіх центрів"),
    ):
        me = signed_in(role)
        shown = check_house_rules(me.get("/admin/").text).find_one("html").text
        assert me.email in shown and words in shown
        assert role != "head" or FOREIGN_CENTRE not in shown


def test_the_navigation_shows_what_is_open_to_one(signed_in: SignedIn) -> None:
    def offered(role: str) -> set[str]:
        page = check_house_rules(signed_in(role).get("/admin/").text)
        return {link["href"] for nav in page.find_all("nav") for link in nav.walk() if link.tag == "a"}

    settings = {"/admin/users", "/admin/keys", "/admin/centres", "/admin/journal"}
    assert settings <= offered("head") & offered("operator")
    assert not settings & offered("ministry")


# Users


def test_a_new_user_gets_a_link_that_is_shown_once(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    added = me.post("/admin/users/add", {"email": "taras@rada.example", "role": "head", "centre": OWN_CENTRE})

    page = check_house_rules(added.text)
    link = page.find_one("output").text
    assert link.startswith("http://127.0.0.1:8000/admin/set-password/")
    with app.app_context():
        assert sign_in.find_email_by_link(link.rsplit("/", 1)[-1]) == "taras@rada.example"
    assert "taras@rada.example" in me.get("/admin/users").text
    assert link.rsplit("/", 1)[-1] not in me.get("/admin/users").text


def test_the_page_with_the_link_warns_of_an_e_mail_that_looks_like_another(signed_in: SignedIn) -> None:
    me = signed_in("head")
    fields = {"role": "head", "centre": OWN_CENTRE}
    me.post("/admin/users/add", fields | {"email": "taras@rada.example"})

    added = me.post("/admin/users/add", fields | {"email": "taras@rаda.example"})  # a Cyrillic letter

    said = check_house_rules(added.text).find_one("main").text
    assert "виглядає як адреса іншого користувача, taras@rada.example" in said
    assert "taras@xn--rda-6cd.example" in said


def test_a_user_who_cannot_be_added_leaves_the_form_as_it_was_typed(signed_in: SignedIn) -> None:
    me = signed_in("head")
    for fields, status, named in (
        ({"email": EVIL, "role": "head", "centre": OWN_CENTRE}, 422, "email"),
        ({"email": "taras@rada.example", "role": "ministry", "centre": OWN_CENTRE}, 422, "role"),
        ({"email": "taras@rada.example", "role": "head", "centre": FOREIGN_CENTRE}, 422, "scope"),
        ({"email": "taras@rada.example", "role": "head"}, 422, "scope"),
        ({"email": me.email, "role": "head", "centre": OWN_CENTRE}, 409, "email"),
    ):
        reply = me.post("/admin/users/add", fields)
        assert reply.status_code == status
        page = check_house_rules(reply.text)
        assert page.find_field("email")["value"] == fields["email"]
        assert [link for link in page.find_all("a") if link.get("href") == f"#{named}"]


def test_a_user_is_disabled_let_in_again_and_changed(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    with app.app_context():
        email = staff.create_user("administrator", password=PASSWORD)
        user = sign_in.find_current_user(staff.create_session(email))
        assert user is not None
    path = f"/admin/users/{user.user_id}"
    check_house_rules(me.get(path).text)

    assert me.post(f"{path}/disable").status_code == 303
    assert "вимкнено" in check_house_rules(me.get(path).text).find_one("main").text
    assert me.post(f"{path}/enable").status_code == 303
    changed = me.post(path, {"version": "3", "role": "head", "centre": OWN_CENTRE})
    assert changed.status_code == 303
    late = me.post(path, {"version": "3", "role": "administrator", "centre": OWN_CENTRE})
    assert late.status_code == 409
    assert "Тим часом хтось інший" in check_house_rules(late.text).find_one("main").text
    assert "керівник центру" in me.get(path).text


# Keys


def test_a_key_is_shown_once_and_works(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in()
    form = check_house_rules(me.get("/admin/keys").text).form_data()
    fields = {"id": form["id"][0], "name": f"СЕД {EVIL}", "scope": "cases:write", "centre": OWN_CENTRE}

    made = me.post("/admin/keys", fields)

    page = check_house_rules(made.text)
    secret = page.find_one("output").text
    with app.app_context():
        assert api_keys.find_caller(secret) is not None
    assert me.post("/admin/keys", fields).status_code == 409, "the same form makes no second one"
    listed = check_house_rules(me.get("/admin/keys").text)
    assert secret not in listed.root.text and EVIL in listed.root.text

    revoke = next(form["action"] for form in listed.find_all("form") if "revoke" in (form.get("action") or ""))
    assert me.post(revoke).status_code == 303
    with app.app_context():
        assert api_keys.find_caller(secret) is None


def test_a_key_that_lacks_something_leaves_the_form_as_it_was_typed(signed_in: SignedIn) -> None:
    reply = signed_in().post("/admin/keys", {"name": "СЕД", "scope": "cases:read"})

    assert reply.status_code == 422
    page = check_house_rules(reply.text)
    assert page.find_field("name")["value"] == "СЕД"
    assert page.form_data()["scope"] == ["cases:read"]


# Profile and services


def profile(**changes: Any) -> dict[str, Any]:
    """Return the fields of a filled-in profile form."""
    return {"version": "1", "name": "Прозорий офіс", "hours-mon": "9-18", "languages": ["uk", "en"]} | changes


def test_a_profile_is_saved_and_shown_as_it_was_meant(signed_in: SignedIn) -> None:
    me = signed_in()
    assert me.post(PROFILE, profile(contact=EVIL)).headers["Location"] == f"{PROFILE}?saved=1"

    page = check_house_rules(me.get(f"{PROFILE}?saved=1").text)
    assert page.find_field("name")["value"] == "Прозорий офіс"
    assert page.find_field("hours-mon")["value"] == "09:00–18:00"
    assert page.find_field("contact")["value"] == EVIL
    assert page.find_field("version")["value"] == "2"


def test_people_who_answer_see_what_the_centre_chose_to_tell_them(signed_in: SignedIn) -> None:
    me = signed_in()
    me.post(PROFILE, profile(notice=f"Відповіді читає керівник. {EVIL}", languages=["uk"]))

    notice = check_house_rules(me.get(f"/privacy?centre={OWN_CENTRE}").text)
    assert f"Відповіді читає керівник. {EVIL}" in notice.find_one("main").text
    assert not [
        link for link in check_house_rules(me.get(f"/C/{OWN_CENTRE}").text).find_all("a") if link.text == "English"
    ]
    assert [
        link for link in check_house_rules(me.get(f"/C/{FOREIGN_CENTRE}").text).find_all("a") if link.text == "English"
    ]


def test_mistakes_in_a_profile_are_named_and_nothing_typed_is_lost(signed_in: SignedIn) -> None:
    me = signed_in()
    wrong = {"name": "", "hours-tue": "з ранку", "exceptions": "Різдво", "windows": "a\na", "languages": []}
    reply = me.post(PROFILE, profile(**wrong, notice="Лишається"))

    assert reply.status_code == 422
    page = check_house_rules(reply.text)
    assert {
        link["href"] for link in page.find_all("a") if link["href"].startswith("#") and link["href"] != "#main"
    } == {
        "#name",
        "#hours-tue",
        "#exceptions",
        "#windows",
        "#languages",
    }
    assert page.find_field("hours-tue")["value"] == "з ранку"
    assert page.find_field("notice").text == "Лишається"
    assert page.find_field("version")["value"] == "1"


def test_of_two_edits_at_once_the_later_one_is_shown_both_versions(signed_in: SignedIn) -> None:
    first, second = signed_in(), signed_in("head")
    first.post(PROFILE, profile(name="Перша назва", contact="перший@rada.example"))

    late = second.post(PROFILE, profile(name="Друга назва"))

    assert late.status_code == 409
    page = check_house_rules(late.text)
    said = page.find_one("main").text
    assert "Перша назва" in said and "Друга назва" in said and "перший@rada.example" in said
    assert page.find_field("name")["value"] == "Друга назва"
    assert "Перша назва" in first.get(PROFILE).text, "nothing was overwritten"

    again = second.post(PROFILE, profile(name="Друга назва", version=page.find_field("version")["value"]))
    assert again.status_code == 303


def test_a_language_that_nobody_speaks_is_shown_as_it_was_typed(signed_in: SignedIn) -> None:
    reply = signed_in().post(PROFILE, profile(version="0", languages=["uk", "xx", "по-нашому"]))

    assert reply.status_code == 409
    assert "Українська, xx, по-нашому" in check_house_rules(reply.text).find_one("main").text


@pytest.mark.parametrize("version", ["", "0", "abc", "-1", "9" * 30, "٣"])
def test_a_version_that_somebody_made_up_is_an_old_one(signed_in: SignedIn, version: str) -> None:
    assert signed_in().post(PROFILE, profile(version=version)).status_code == 409


def test_services_are_imported_from_a_file_or_pasted(signed_in: SignedIn) -> None:
    me = signed_in()
    file = (io.BytesIO("title;code;local_code\nВитяг;1;\nДовідка;;02-01\n".encode()), "services.csv")

    reply = me.post(SERVICES, {"file": file}, content_type="multipart/form-data")
    assert reply.status_code == 200
    assert "Додано: 2" in check_house_rules(reply.text).find_one("main").text
    reply = me.post(SERVICES, {"table": "title,code\nНовий витяг,1\n"})
    assert "змінено: 1" in check_house_rules(reply.text).find_one("main").text
    assert "Новий витяг" in me.get(SERVICES).text


@pytest.mark.parametrize("page", ["services", "comments"])
def test_a_search_field_takes_no_more_than_is_looked_for(signed_in: SignedIn, page: str) -> None:
    reply = signed_in("head").get(f"/admin/centres/{OWN_CENTRE}/{page}?q={'я' * 101}")

    [field] = [field for field in check_house_rules(reply.text).find_all("input") if field.get("name") == "q"]
    assert (field["maxlength"], field["value"]) == ("100", "я" * 100)


def test_a_code_without_its_zeros_is_imported_and_pointed_out(signed_in: SignedIn) -> None:
    reply = signed_in().post(SERVICES, {"table": "title,code\nВитяг,00034\nВитяг,34\n"})

    shown = check_house_rules(reply.text).find_one("main").text
    assert reply.status_code == 200 and "Додано: 2" in shown
    assert "Прийнято, але перевірте, будь ласка:" in shown
    assert "Рядок 3: Послуга 00034 уже відома; 34 — інша послуга" in shown


def test_a_long_table_may_be_pasted_as_well_as_sent_as_a_file(signed_in: SignedIn) -> None:
    me, table = signed_in(), "title,code\n" + f"{'Видача витягу ' * 30},не код\n" * 1_200
    fields = {"csrf": derive_form_token(me.token), "table": table}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )

    reply = me.client.post(
        SERVICES,
        data=f"{body}--x--\r\n".encode(),
        content_type="multipart/form-data; boundary=x",
        headers=SAME_ORIGIN_HEADERS,
    )

    assert len(table.encode()) > 500_000
    assert reply.status_code == 422, "every row was read"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "Оберіть файл"),
        ("title,code\nВитяг\n", "клітинок"),
        ("назва,код\nВитяг,1\n", "бракує title"),
        ("title,code,centre\nВитяг,1,SN99000008\n", "невідомий"),
        ("title,code\nВитяг,1\nБез коду,\nВитяг,1\n", "Рядок 3"),
        ("title,code\n" + "х" * 501 + ",1\n", "довше"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_ukrainian_and_the_table_stays(
    signed_in: SignedIn, table: str, said: str
) -> None:
    reply = signed_in().post(SERVICES, {"table": table})

    assert reply.status_code == 422
    page = check_house_rules(reply.text)
    assert said in page.find_one("main").text
    assert page.find_field("table").text.split() == table.split()


def test_a_file_that_is_no_text_is_refused_in_words(signed_in: SignedIn) -> None:
    file = (io.BytesIO(b"\xff\xfe\x00"), f"{EVIL}.csv")
    reply = signed_in().post(SERVICES, {"file": file}, content_type="multipart/form-data")

    assert reply.status_code == 422
    assert "UTF-8" in check_house_rules(reply.text).find_one("main").text


# Journal


def test_the_journal_tells_who_saw_and_did_what_in_ones_own_centre(app: Flask, signed_in: SignedIn) -> None:
    me, stranger = signed_in("head"), signed_in("head", FOREIGN_CENTRE)
    stranger.get(f"/admin/centres/{FOREIGN_CENTRE}/profile")
    for _ in range(3):
        me.get(PROFILE)
    me.post(PROFILE, profile())

    page = check_house_rules(me.get("/admin/journal").text)

    rows = [row.text for row in page.find_all("tr")]
    assert [row for row in rows if "зміна профілю" in row and me.email in row]
    assert len([row for row in rows if "перегляд" in row and f"Профіль центру {OWN_CENTRE}" in row]) == 1, (
        "once a session"
    )
    assert not [row for row in rows if stranger.email in row]
    assert me.get(f"/admin/journal?centre={FOREIGN_CENTRE}").status_code == 404


def test_who_looks_from_above_leaves_a_trace_in_the_journal_of_the_centre(app: Flask, signed_in: SignedIn) -> None:
    operator, head = signed_in("operator"), signed_in("head")
    operator.get(PROFILE)

    assert operator.email in head.get("/admin/journal").text
    assert operator.get("/admin/journal").status_code == 200
    assert operator.get(f"/admin/journal?centre={OWN_CENTRE}").status_code == 200


def test_every_page_that_one_sees_has_a_name_in_the_journal(app: Flask, signed_in: SignedIn, time_is: TimeIs) -> None:
    me = signed_in("head")
    with app.app_context():
        my_id = str(users.find_user_id(me.email))
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin") and "GET" in (rule.methods or ()):
            path = rule.rule.replace("<centre>", OWN_CENTRE).replace("<format>", "csv")
            me.get(path.replace("<uuid:user>", my_id))
    with app.app_context():
        audit.recent_reads.write_now()
        time_is(clock.now() + timedelta(hours=1))
        audit.enter_reads()
        seen = {each.object.split()[0] for each in stored.read_rows(JournalEntry) if each.action == "saw"}

    assert len(seen) > 10
    assert seen <= PAGE_LABELS.keys()


def test_what_cannot_be_noted_is_not_shown(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise Unavailable(retry_after=5)

    me = signed_in("head")
    monkeypatch.setattr(audit, "record_page_view", busy)

    reply = me.get("/admin/users")

    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    assert me.email not in check_house_rules(reply.text).find_one("main").text


@pytest.mark.slow
def test_earlier_entries_are_on_earlier_pages(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    for number in range(60):
        me.post("/admin/keys", {"name": f"№ {number}", "scope": "cases:write", "centre": OWN_CENTRE})

    page = check_house_rules(me.get("/admin/journal").text)
    [earlier] = [link["href"] for link in page.find_all("a") if "before=" in link["href"]]
    assert "№ 59" in page.root.text and "№ 2 " not in page.root.text
    assert "№ 2 " in me.get(earlier).text
    assert me.get("/admin/journal?before=не-число").status_code == 200


def test_the_journal_names_nobody_but_users(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    me.post("/admin/users/add", {"email": "taras@rada.example", "role": "head", "centre": OWN_CENTRE})
    with app.app_context():
        entries = stored.read_rows(JournalEntry)

    assert {entry.action for entry in entries} == {"user_added"}
    assert all("127.0.0.1" not in entry.object for entry in entries)
