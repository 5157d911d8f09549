"""Signing in: pages, cookies, forms that are saved until their sender has signed in."""

import html
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import BoundedSemaphore

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from feedback_service import clock
from feedback_service.access import passwords, sessions
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.models import JournalEntry
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import OWN_CENTRE, SignedIn
from tests.kiosk_ui.outline import Outline, check_house_rules
from tests.support import staff, stored
from tests.support.database import FreshDatabase
from tests.support.environment import build_environment
from tests.support.staff import PASSWORD, SAME_ORIGIN_HEADERS, StaffClient, find_form_token

EMAIL = "olena@rada.example"
PROFILE = f"/admin/centres/{OWN_CENTRE}/profile"

Post = Callable[..., TestResponse]


@pytest.fixture
def head(app: Flask, centres: None) -> str:
    """A head who may sign in with a password; the e-mail."""
    with app.app_context():
        return staff.create_user("head", email=EMAIL, password=PASSWORD)


@pytest.fixture
def secret(app: Flask, head: str) -> str:
    """The head has a second factor; its secret."""
    with app.app_context():
        return staff.add_second_factor(head)


@pytest.fixture
def browser(app: Flask) -> StaffClient:
    """Somebody at a browser who has not signed in."""
    return StaffClient(app, EMAIL, "")


def hidden_fields_of(page: Outline) -> dict[str, str]:
    """Return the hidden fields of the page's form."""
    hidden = [field for field in page.find_all("input") if field.get("type") == "hidden" and field.get("name")]
    return {field["name"]: html.unescape(field["value"]) for field in hidden}


def sign_in(browser: StaffClient, email: str = EMAIL, password: str = PASSWORD, **hidden_fields: str) -> TestResponse:
    """Send the sign-in form."""
    fields = {"email": email, "password": password} | hidden_fields
    return browser.client.post("/admin/sign-in", data=fields, headers=SAME_ORIGIN_HEADERS)


def test_all_the_way_in_and_out_again(browser: StaffClient, app: Flask, secret: str) -> None:
    refused = browser.get(f"{PROFILE}?lang=en")
    assert refused.status_code == 303
    to_sign_in = browser.get(refused.headers["Location"])
    page = check_house_rules(to_sign_in.text)
    assert page.find_one("html")["lang"] == "en"

    half_way = sign_in(browser, **hidden_fields_of(page))
    assert half_way.status_code == 303 and "/admin/second-factor?next=" in half_way.headers["Location"]
    code_page = browser.get(half_way.headers["Location"])
    fields = hidden_fields_of(check_house_rules(code_page.text))
    with app.app_context():
        code = staff.current_code(secret)
    entered = browser.client.post("/admin/second-factor", data=fields | {"code": code}, headers=SAME_ORIGIN_HEADERS)
    assert entered.headers["Location"] == f"{PROFILE}?lang=en"

    inside = browser.get(entered.headers["Location"])
    assert inside.status_code == 200 and EMAIL in inside.text
    out = browser.client.post("/admin/sign-out", data={"csrf": find_form_token(inside)}, headers=SAME_ORIGIN_HEADERS)
    assert "sign-in?notice=out" in out.headers["Location"]
    assert browser.get(PROFILE).status_code == 303


def test_a_wrong_password_and_an_unknown_user_get_the_same_page(browser: StaffClient, head: str) -> None:
    wrong, unknown = (
        sign_in(browser, password="не той пароль"),
        sign_in(browser, email="a@b.ua", password="x" * 12),
    )

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace(EMAIL, "a@b.ua") == unknown.text
    page = check_house_rules(wrong.text)
    assert page.find_field("email")["value"] == EMAIL
    assert not page.find_field("password").get("value"), "a password is typed anew"
    assert "Set-Cookie" not in wrong.headers


def test_too_many_wrong_passwords_say_how_long_to_wait(browser: StaffClient, head: str) -> None:
    for _ in range(5):
        sign_in(browser, password="не той пароль")
    refused = sign_in(browser)

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert "Спробуйте через" in check_house_rules(refused.text).root.text


def test_the_second_factor_is_set_up_with_a_code_that_can_be_scanned_and_typed(browser: StaffClient, head: str) -> None:
    half_way = sign_in(browser)
    page = check_house_rules(browser.get(half_way.headers["Location"]).text)

    assert page.find_one("svg").get("role") == "img"
    secret = page.find_one("output").text.replace("-", "")
    assert not [button for button in page.find_all("button") if button.get("name") == "later"]
    fields = hidden_fields_of(page)
    wrong = browser.client.post(
        "/admin/second-factor/set-up", data=fields | {"code": "12"}, headers=SAME_ORIGIN_HEADERS
    )
    assert wrong.status_code == 401
    assert secret in check_house_rules(wrong.text).find_one("output").text.replace("-", "")
    right = browser.client.post(
        "/admin/second-factor/set-up",
        data=fields | {"code": staff.current_code(secret)},
        headers=SAME_ORIGIN_HEADERS,
    )
    assert (right.status_code, right.headers["Location"]) == (303, "/admin/")


# Cookies


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: StaffClient, head: str) -> None:
    cookie = sign_in(browser).headers["Set-Cookie"]

    assert cookie.startswith("vidhuk=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/admin"} <= set(cookie.split("; "))
    assert "Expires" not in cookie and "Max-Age" not in cookie, "it goes with the browser"


def test_over_https_no_other_host_can_have_set_it(
    tmp_path: Path, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = build_environment(tmp_path, fresh_database("sqlite"), "https://vidhuk.example")
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        staff.create_user("operator", email=EMAIL, password=PASSWORD)

    form = {"email": EMAIL, "password": PASSWORD}
    cookie = app.test_client().post("/admin/sign-in", data=form, headers=SAME_ORIGIN_HEADERS).headers["Set-Cookie"]

    assert cookie.startswith("__Host-vidhuk=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    with app.app_context():
        db.engine.dispose()


def test_pages_for_everybody_set_no_cookie_and_do_not_look_at_one(signed_in: SignedIn) -> None:
    me = signed_in("head")
    for path in ("/", f"/C/{OWN_CENTRE}", f"/centres/{OWN_CENTRE}", "/privacy", "/accessibility"):
        with_session, without = me.get(path), me.client.application.test_client().get(path)
        assert "Set-Cookie" not in with_session.headers
        if path != f"/C/{OWN_CENTRE}":  # where every look has a client id of its own
            assert with_session.text == without.text


def sign_in_completely(browser: StaffClient, app: Flask, secret: str, time_is: TimeIs) -> TestResponse:
    """Send password and code, half a minute later than anybody before."""
    time_is(clock.now() + timedelta(seconds=30))
    half_way = sign_in(browser)
    assert half_way.status_code == 303, half_way.text
    fields = hidden_fields_of(check_house_rules(browser.get(half_way.headers["Location"]).text))
    with app.app_context():
        fields["code"] = staff.current_code(secret)
    return browser.client.post("/admin/second-factor", data=fields, headers=SAME_ORIGIN_HEADERS)


def test_a_complete_sign_in_makes_the_browser_a_known_one(
    browser: StaffClient, app: Flask, secret: str, time_is: TimeIs
) -> None:
    half_way = sign_in(browser)
    assert "vidhuk-browser" not in "".join(half_way.headers.getlist("Set-Cookie"))

    cookies = sign_in_completely(browser, app, secret, time_is).headers.getlist("Set-Cookie")

    [cookie] = [cookie for cookie in cookies if cookie.startswith("vidhuk-browser=")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/admin"} <= set(cookie.split("; "))
    assert EMAIL not in cookie


def test_the_owner_comes_in_while_somebody_guesses(
    browser: StaffClient, app: Flask, secret: str, time_is: TimeIs
) -> None:
    sign_in_completely(browser, app, secret, time_is)
    stranger = StaffClient(app, EMAIL, "")
    for _ in range(5):
        sign_in(stranger, password="не той пароль")
    refused = sign_in(stranger)

    assert refused.status_code == 429
    assert "раніше" in check_house_rules(refused.text).find_one("main").text, "it says how the owner comes in"
    assert sign_in_completely(browser, app, secret, time_is).headers["Location"] == "/admin/"


def test_who_signs_in_reads_how_many_attempts_failed_before(
    browser: StaffClient, app: Flask, secret: str, time_is: TimeIs
) -> None:
    for _ in range(3):
        sign_in(browser, password="не той пароль")
    sign_in_completely(browser, app, secret, time_is)

    text = check_house_rules(browser.get("/admin/").text).root.text
    assert "3 спроби" in text
    time_is(clock.now() + timedelta(minutes=11))
    assert "3 спроби" not in browser.get("/admin/").text
    assert "3 спроби" in browser.get("/admin/account").text


def test_strangers_beyond_their_places_are_put_off_at_once_and_known_browsers_are_not(
    browser: StaffClient, app: Flask, secret: str, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_completely(browser, app, secret, time_is)
    monkeypatch.setattr(passwords, "_places_of_strangers", BoundedSemaphore(0))

    refused = sign_in(StaffClient(app, EMAIL, ""))

    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert check_house_rules(refused.text).find_field("email")["value"] == EMAIL, "nothing is typed anew"
    assert sign_in_completely(browser, app, secret, time_is).headers["Location"] == "/admin/"


# A form that comes too late


def pass_an_hour(app: Flask, me: StaffClient, time_is: TimeIs) -> None:
    """Let an hour pass, after which the session has ended."""
    time_is(clock.now() + timedelta(hours=1))


XSS = '"><script>alert(1)</script>'


def test_a_form_sent_too_late_is_kept_through_both_questions_and_offered_again(
    app: Flask, secret: str, time_is: TimeIs
) -> None:
    with app.app_context():
        me = StaffClient(app, EMAIL, staff.create_session(EMAIL))
    typed = {
        "version": "1",
        "name": "Прозорий офіс",
        "contact": XSS,
        "notice": f"{XSS}\u2028",
        "languages": ["uk", "en"],
    }
    pass_an_hour(app, me, time_is)

    late = me.post(f"{PROFILE}?lang=en", typed | {"password": "таємниця", "current": "теж", "code": "123456"})
    assert late.status_code == 401 and late.headers["WWW-Authenticate"].startswith("Form")
    page = check_house_rules(late.text)
    kept = json.loads(hidden_fields_of(page)["kept"])
    assert kept["to"] == f"{PROFILE}?lang=en"
    assert ["languages", "uk"] in kept["fields"] and ["languages", "en"] in kept["fields"]
    assert not {"csrf", "password", "current", "code"} & {name for name, _ in kept["fields"]}

    wrong = sign_in(me, password="не той пароль", **hidden_fields_of(page))
    half_way = sign_in(me, **hidden_fields_of(check_house_rules(wrong.text)))
    assert half_way.status_code == 200
    fields = hidden_fields_of(check_house_rules(half_way.text)) | {"code": staff.current_code(secret)}
    offered = me.client.post("/admin/second-factor", data=fields, headers=SAME_ORIGIN_HEADERS)

    assert offered.status_code == 200
    page = check_house_rules(offered.text)
    assert "Прозорий офіс" in page.find_one("main").text and "alert(1)" in page.find_one("main").text
    assert not [script for script in page.find_all("script") if not script.get("src")]
    [form] = [form for form in page.find_all("form") if form.get("action") == f"{PROFILE}?lang=en"]
    sent = [
        (field["name"], field.get("value") or "") for field in form.walk() if field.tag == "input" and field.get("name")
    ]
    again = me.client.post(f"{PROFILE}?lang=en", data=_multi(sent), headers=SAME_ORIGIN_HEADERS)
    assert again.status_code == 303
    assert "Прозорий офіс" in me.get(PROFILE).text


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def test_a_kept_form_outlives_a_code_that_came_too_late_itself(app: Flask, secret: str, time_is: TimeIs) -> None:
    with app.app_context():
        half_way = StaffClient(app, EMAIL, staff.create_session(EMAIL, "code"))
    pass_an_hour(app, half_way, time_is)
    kept = {"kept": json.dumps({"to": PROFILE, "fields": [["name", "Прозорий офіс"]]})}

    late = half_way.post("/admin/second-factor", kept | {"code": "123456"})
    link = half_way.get("/admin/second-factor?next=/admin/keys")

    assert late.status_code == 401
    assert json.loads(hidden_fields_of(check_house_rules(late.text))["kept"]) == json.loads(kept["kept"])
    assert link.headers["Location"] == "/admin/sign-in?next=/admin/keys"


def test_a_form_of_an_older_session_in_another_tab_is_kept_too(signed_in: SignedIn) -> None:
    me = signed_in("head")
    fields = {"csrf": sessions.derive_form_token("an older session"), "version": "1", "name": "Прозорий офіс"}

    reply = me.client.post(PROFILE, data=fields, headers=SAME_ORIGIN_HEADERS)

    assert reply.status_code == 403
    page = check_house_rules(reply.text)
    assert "Прозорий офіс" in page.find_one("main").text
    assert "Прозорий офіс" not in me.get(PROFILE).text, "nothing has happened yet"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/admin/",
        "/admin//evil.example",
        "/admin/\\evil.example",
        "/admin/\r\nSet-Cookie: a=b",
        "/administrator",
        "/S/TOKEN",
        "javascript:alert(1)",
        "",
        "/admin/" + "й",
    ],
)
@pytest.mark.parametrize("by", ["address", "form"])
def test_nobody_is_led_elsewhere(browser: StaffClient, app: Flask, secret: str, elsewhere: str, by: str) -> None:
    with app.app_context():
        half_way = StaffClient(app, EMAIL, staff.create_session(EMAIL, "code"))
        code = staff.current_code(secret)
    kept = {"kept": json.dumps({"to": elsewhere, "fields": []})} if by == "form" else {}
    query = {"next": elsewhere} if by == "address" else None

    reply = half_way.client.post(
        "/admin/second-factor",
        data=kept | {"code": code, "csrf": sessions.derive_form_token(half_way.token)},
        query_string=query,
        headers=SAME_ORIGIN_HEADERS,
    )

    assert (reply.status_code, reply.headers["Location"]) == (303, "/admin/")


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        "null",
        '{"to": 1}',
        '{"to": "/admin/", "fields": 7}',
        "[" * 100_000,
        '{"fields": []}',
        '{"to": "/admin/", "fields": [["half a character", "\\ud800"]]}',
    ],
)
def test_a_kept_form_that_somebody_made_up_is_forgotten(browser: StaffClient, head: str, kept: str) -> None:
    assert sign_in(browser, kept=kept, password="не той пароль").status_code == 401
    reply = sign_in(browser, kept=kept)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/admin/second-factor/set-up")


# Forms that are too much


def test_a_form_that_is_too_large_is_refused_in_words(signed_in: SignedIn) -> None:
    reply = signed_in("head").post(PROFILE, {"notice": "x" * 3_000_000})

    assert reply.status_code == 413
    check_house_rules(reply.text)


def test_a_page_that_is_not_there_looks_like_the_others(signed_in: SignedIn) -> None:
    reply = signed_in("head").get("/admin/centres/SN99000008/profile?lang=en")

    assert reply.status_code == 404
    page = check_house_rules(reply.text)
    assert "belongs to a centre that is not yours" in page.find_one("main").text


# A password by a link


def test_who_holds_the_link_chooses_a_password_and_the_link_is_spent(
    app: Flask, browser: StaffClient, centres: None
) -> None:
    with app.app_context():
        email = staff.create_user("administrator")
        link = f"/admin/set-password/{staff.create_password_link(email)}"
    page = check_house_rules(browser.get(link).text)
    assert page.find_field("email")["value"] == email

    short = browser.client.post(link, data={"password": "коротке"}, headers=SAME_ORIGIN_HEADERS)
    assert short.status_code == 422
    assert "12" in check_house_rules(short.text).root.text
    done = browser.client.post(link, data={"password": PASSWORD}, headers=SAME_ORIGIN_HEADERS)

    assert done.headers["Location"] == "/admin/sign-in?notice=set"
    assert browser.get(link).status_code == 404
    assert sign_in(browser, email=email).status_code == 303


def test_looking_at_a_link_leaves_it_in_nobody_s_journal(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in("head")
    added = me.post("/admin/users/add", {"email": "taras@rada.example", "role": "head", "centre": OWN_CENTRE})
    [shown] = [each for each in Outline(added.text).find_all("output") if "/admin/set-password/" in each.text]
    path = "/admin/set-password/" + shown.text.strip().rpartition("/")[2]

    assert me.get(path).status_code == 200

    with app.app_context():
        noted = [entry.object for entry in stored.read_rows(JournalEntry)]
    assert not [object for object in noted if path.rpartition("/")[2] in object]


# One's own account


def test_one_changes_the_password_and_ends_other_sessions(app: Flask, head: str) -> None:
    with app.app_context():
        me, other = (StaffClient(app, EMAIL, staff.create_session(EMAIL)) for _ in range(2))
    page = check_house_rules(me.get("/admin/account").text)
    assert len(page.find_all("tr")) == 3

    wrong = me.post("/admin/account", {"current": "не той", "password": "нове гасло для входу"})
    assert wrong.status_code == 422
    assert "не ваш пароль" in check_house_rules(wrong.text).root.text
    done = me.post("/admin/account", {"current": PASSWORD, "password": "нове гасло для входу"})

    assert done.status_code == 303
    assert me.get("/admin/account?notice=changed").status_code == 200, "the cookie was renewed"
    assert other.get("/admin/account").status_code == 303
