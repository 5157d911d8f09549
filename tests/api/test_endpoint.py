"""Who is let in, what is read, and how refusals look, whatever is asked."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from feedback_service.api import blueprint, cases
from feedback_service.api.endpoint import TABLET, GuardedView
from feedback_service.api.problems import EXPLANATIONS, problem_types
from feedback_service.models import ApiKey
from feedback_service.vocabulary import SCOPES
from tests.api.conftest import Caller, NewCaller, error_pointers, make_case, token_of
from tests.support import stored, story
from tests.support.database import FreshDatabase, SharedDatabase
from tests.support.server import RunningService

PUBLIC = {
    "/api/v1/surveys/<token>",
    "/api/v1/surveys/<token>/responses",
    "/api/v1/kiosk/pair",
    "/api/v1/kiosk/pairing",
    "/api/v1/openapi.json",
    "/api/v1/docs",
}
ID = "019ab0d3-7c1e-7d3a-9a52-3a1f5b0c7e11"
NEEDS = [
    ("POST", "/cases", "cases:write"),
    ("POST", "/cases/batch", "cases:write"),
    ("GET", f"/cases/{ID}", "cases:read"),
    ("POST", f"/cases/{ID}/invitation/cancel", "cases:write"),
    ("POST", "/responses", "responses:write"),
    ("GET", "/summaries", "summaries:read"),
    ("GET", "/deliveries", "deliveries:manage"),
    ("GET", "/deliveries/summary", "deliveries:manage"),
    ("POST", f"/deliveries/{ID}/replay", "deliveries:manage"),
]


@pytest.fixture
def database_url(shared_database: SharedDatabase) -> str:
    """An empty migrated database; its make does not matter to the door."""
    return shared_database("sqlite")


# Who is let in ------------------------------------------------------------------------------------------------


def test_every_route_names_its_scope_or_is_public(app: Flask) -> None:
    routes = {
        rule.rule: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api")
    }
    needs = {path: view.operation.needs for path, view in routes.items() if isinstance(view, GuardedView)}
    assert set(needs) == set(routes)
    assert {path for path, need in needs.items() if not need} == PUBLIC
    assert set(needs.values()) <= {None, TABLET, *SCOPES}


def test_a_view_without_a_declaration_cannot_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = Blueprint("cases", "forgetful")
    forgetful.add_url_rule("/cases", "register_case", lambda: "forgotten")
    monkeypatch.setattr(cases, "bp", forgetful)

    with pytest.raises(RuntimeError, match=r"api\.cases\.register_case"):
        blueprint.register(Flask("forgetful"))


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
def test_a_key_with_the_scope_is_needed(
    new_caller: NewCaller, stranger: Caller, method: str, path: str, scope: str
) -> None:
    without = stranger.send_request(method, path)
    assert without.status_code == 401
    assert without.headers["WWW-Authenticate"] == "Bearer"
    wrong = new_caller(*(set(SCOPES) - {scope})).send_request(method, path)
    assert wrong.status_code == 403
    assert scope in wrong.json["detail"]
    assert new_caller(scope).send_request(method, path).status_code not in (401, 403)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dGVzdDp0ZXN0", "Bearer vdk_" + "A" * 43, "vdk_x", "Bearer \xd1\x97"],
)
def test_a_wrong_key_is_as_good_as_none(stranger: Caller, header: str) -> None:
    assert stranger.get("/summaries", headers={"Authorization": header}).status_code == 401


def test_the_word_bearer_may_be_written_small(case_system: Caller) -> None:
    headers = {"Authorization": f"bearer {case_system.key}"}
    assert case_system.get("/summaries", headers=headers).status_code == 200


def test_the_key_is_asked_before_the_body_is_read(stranger: Caller, new_caller: NewCaller) -> None:
    assert stranger.post("/cases", data=b"{" * 100_000, content_type="text/plain").status_code == 401
    assert new_caller("cases:read").post("/cases", data=b"{").status_code == 403


# How a body is read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"   ", 400),
        (b"{", 400),
        (b"{}{}", 400),
        (b"{'centre': 1}", 400),
        (b'{"centre": "SN12000007",}', 400),
        (b'{"centre": NaN}', 400),
        (b'{"centre": -Infinity}', 400),
        (b'{"centre": 1e999}', 400),
        (b'{"centre": ' + b"9" * 5000 + b"}", 400),
        (b'{"centre": "A", "centre": "B"}', 400),
        (b'{"service": {"code": "1", "code": "1"}}', 400),
        (b'{"centre": "\xff"}', 400),
        (b'{"centre": "\xed\xa0\x80"}', 400),
        (b"{\xef\xbb\xbf}", 400),
        (b"\xef\xbb\xbf", 400),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", 400),
        (b"\xef\xbb\xbf{}", 422),
        ('{"centre": "А"}'.encode("utf-16"), 400),
        (b'{"centre": "a\nb"}', 400),
        (b"[" * 30_000, 400),
        (b"[" * 30_000 + b"]" * 30_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"{}" + b" " * 65_536, 413),
        (b"[]", 422),
        (b"null", 422),
        (b"17", 422),
        (b'"centre"', 422),
        (b"{}", 422),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
def test_ambiguous_json_is_refused(case_system: Caller, sent: bytes, status: int) -> None:
    reply = case_system.post("/cases", data=sent, content_type="application/json")
    assert reply.status_code == status


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/problem+json",
        "application/json; charset=cp1251",
        "application/json; charset=utf-16",
        "application/jsonp",
        "text/json, application/json",
    ],
)
def test_only_json_in_utf_8_is_read(case_system: Caller, content_type: str | None) -> None:
    data = json.dumps(make_case()).encode()
    assert case_system.post("/cases", data=data, content_type=content_type).status_code == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_content_type_may_name_the_charset(case_system: Caller, content_type: str) -> None:
    data = json.dumps(make_case(), ensure_ascii=False).encode()
    assert case_system.post("/cases", data=data, content_type=content_type).status_code == 201


def test_a_byte_order_mark_before_the_body_means_nothing(case_system: Caller) -> None:
    data = b"\xef\xbb\xbf" + json.dumps(make_case()).encode()
    assert case_system.post("/cases", data=data, content_type="application/json").status_code == 201


def test_a_compressed_body_is_not_unpacked(case_system: Caller) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert case_system.post("/cases", make_case(), headers=headers).status_code == 415


def test_a_body_that_is_too_large_is_refused_before_it_is_read(case_system: Caller) -> None:
    assert case_system.post("/cases", data=b"[" * 3_000_000, content_type="application/json").status_code == 413
    batch = {"cases": ["x" * 1000] * 1000}
    assert case_system.post("/cases/batch", batch).status_code == 200
    assert case_system.post("/cases/batch", {"cases": ["x" * 3000] * 1000}).status_code == 413


def test_an_endless_body_in_pieces_is_cut_off(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    with RunningService(tmp_path, fresh_database("sqlite"), workers=1) as service:
        pieces = (b"[" * 8192 for _ in range(12))
        headers = {"Content-Type": "application/json"}
        address = f"{service.url}/api/v1/surveys/{'A' * 26}/responses"
        reply = httpx.post(address, content=pieces, headers=headers, trust_env=False)
    assert reply.status_code == 413


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/cases", {"json": {}}, 422),
        ("/cases", {"data": b"{", "content_type": "application/json"}, 400),
        ("/cases?unknown=1", {"json": make_case()}, 422),
    ],
)
def test_a_request_that_is_refused_unread_is_no_use_of_its_key(
    app: Flask, case_system: Caller, path: str, sent: dict[str, Any], status: int
) -> None:
    assert case_system.post(path, **sent).status_code == status
    with app.app_context():
        assert [key.last_used_on for key in stored.read_rows(ApiKey)] == [None]

    assert case_system.post("/cases", make_case()).status_code == 201
    with app.app_context():
        assert None not in [key.last_used_on for key in stored.read_rows(ApiKey)]


# Which fields are taken ---------------------------------------------------------------------------------------

STRANGE: list[Any] = [
    "a\x00b",
    "a\u202eb",
    "\u2066a",
    "\ud800",
    "a\nb",
    "a\tb",
    "a\u2028b",
    "",
    "   ",
    "\u200b",
    7,
    7.5,
    True,
    [],
    ["a"],
    {},
    "я" * 501,
]


@pytest.mark.parametrize("hidden", ["\ufeff", "\u200b", "\u00ad", "\ue000"], ids=ascii)
def test_a_character_that_nobody_can_see_is_named_with_its_place(case_system: Caller, hidden: str) -> None:
    reply = case_system.post("/cases", make_case(case_number=f"12{hidden}"), headers={"Accept-Language": "en"})

    name = f"U+{ord(hidden):04X}"
    assert reply.json["errors"] == [
        {
            "pointer": "/case_number",
            "detail": f"Remove character 3, {name}: it is invisible, or has no fixed meaning.",
        }
    ]


@pytest.mark.parametrize(
    "field",
    [
        *("centre", "case_number", "front_office", "status", "status_at", "provider_edrpou"),
        *("workplace", "workplace_kind", "registered_at", "repository_id"),
    ],
)
def test_a_field_of_another_kind_is_named(case_system: Caller, field: str) -> None:
    for value in STRANGE:
        assert error_pointers(case_system.post("/cases", make_case(**{field: value}))) == {f"/{field}"}, ascii(value)


@pytest.mark.parametrize("field", ["code", "local_code", "title"])
def test_a_field_within_a_field_is_named(case_system: Caller, field: str) -> None:
    for value in STRANGE:
        service = {"code": "1", "local_code": "2", "title": "3"} | {field: value}
        assert error_pointers(case_system.post("/cases", make_case(service=service))) == {f"/service/{field}"}, ascii(
            value
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("centre", "sn12000007"),
        ("centre", "SN1200000"),
        ("centre", "SN120000071"),
        ("centre", "СН12000007"),
        ("centre", "SN1200000٧"),
        ("case_number", "1" * 65),
        ("provider_edrpou", "0003211"),
        ("provider_edrpou", "٠٠٠٣٢١١٢"),
        ("workplace", "w" * 65),
        ("workplace_kind", "window"),
        ("status", "Completed"),
        ("front_office", "phone"),
        ("status_at", "2026-11-20T10:15:00"),
        ("status_at", "2026-11-20"),
        ("status_at", "2026-11-20 10:15:00+02:00"),
        ("status_at", "2026-11-31T10:15:00+02:00"),
        ("status_at", "2026-11-20T24:00:00+02:00"),
        ("status_at", "2026-11-20T10:15:60+02:00"),
        ("status_at", "2026-11-20T10:15+02:00"),
        ("status_at", "2026-11-20T10:15:00+0200"),
        ("status_at", "2026-11-20T10:15:00+24:00"),
        ("status_at", "1999-12-31T21:59:59Z"),
        ("status_at", "0001-01-01T00:00:00+14:00"),
        ("status_at", "9999-12-31T23:59:59-14:00"),
        ("status_at", "२०२६-११-२०T10:15:00Z"),
        ("repository_id", "cf7dfafe2e5f42b596de57c5c1af1524"),
        ("repository_id", "{cf7dfafe-2e5f-42b5-96de-57c5c1af1524}"),
        ("service", None),
        ("service", {}),
        ("service", {"title": "Паспорт"}),
        ("service", "00034"),
        ("status", None),
    ],
)
def test_a_form_that_is_not_the_agreed_one_is_named(case_system: Caller, field: str, value: Any) -> None:
    assert error_pointers(case_system.post("/cases", make_case(**{field: value}))) == {f"/{field}"}


@pytest.mark.parametrize(
    "status_at",
    [
        "2026-11-20T08:15:00Z",
        "2026-11-20t08:15:00z",
        "2026-11-20T08:15:00.123456789+00:00",
        "2026-11-20T08:15:00-00:00",
    ],
)
def test_an_instant_may_be_spelled_as_the_standard_allows(case_system: Caller, status_at: str) -> None:
    reply = case_system.post("/cases", make_case(status_at=status_at))
    assert reply.status_code == 201
    assert reply.json["history"][0]["at"].startswith("2026-11-20T10:15:00")


def test_fields_that_nobody_knows_and_fields_that_are_missing_are_all_named(case_system: Caller) -> None:
    sent = {
        "centre": story.CENTRE,
        "full_name": "…",
        "a/b~c": 1,
        "\ud800": 1,
        "service": {"code": "1", "x": 1},
    }
    assert error_pointers(case_system.post("/cases", sent)) == {
        "/full_name",
        "/a~1b~0c",
        "/\\ud800",
        "/service/x",
        *("/case_number", "/front_office", "/status", "/status_at"),
    }


def test_what_may_be_left_out_may_be_null(case_system: Caller) -> None:
    empty = dict.fromkeys(("provider_edrpou", "workplace", "workplace_kind", "registered_at", "repository_id"))
    assert case_system.post("/cases", make_case(**empty)).status_code == 201


def test_a_refusal_is_never_much_longer_than_what_it_refuses(case_system: Caller) -> None:
    reply = case_system.post("/cases", {f"{number}": 1 for number in range(5000)})
    assert len(reply.json["errors"]) == 50


def test_a_parameter_that_nobody_knows_is_refused_everywhere(case_system: Caller) -> None:
    case = case_system.post("/cases", make_case()).json
    assert error_pointers(case_system.post("/cases?dry_run=1", make_case())) == {"/dry_run"}
    for path in (
        f"/cases/{case['id']}",
        "/summaries",
        "/deliveries",
        "/deliveries/summary",
        f"/surveys/{token_of(case)}",
        "/openapi.json",
        "/docs",
    ):
        assert error_pointers(case_system.get(f"{path}?dry_run=1")) == {"/dry_run"}


# How a refusal looks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v2/cases", 404),
        ("GET", "/api/v1/nothing-here", 404),
        ("GET", "/api/v1/cases/17", 404),
        ("GET", "/api/v1/cases", 405),
        ("DELETE", f"/api/v1/cases/{ID}", 405),
        ("PATCH", "/api/v1/cases", 405),
        ("BREW", "/api/v1/cases", 405),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_in_the_same_shape(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    reply = client.open(path, method=method)
    assert (reply.status_code, reply.mimetype) == (status, "application/problem+json")
    problem = reply.get_json()
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["status"] == status
    assert uuid.UUID(problem["instance"])
    assert ("Allow" in reply.headers) is (status == 405)


def test_an_address_that_only_looks_like_the_api_is_a_page(client: FlaskClient) -> None:
    assert client.get("/apiary").mimetype == "text/html"


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        (None, "uk"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("uk,en;q=0.5", "uk"),
        ("fr", "uk"),
        ("*", "uk"),
        (";;q=", "uk"),
        ("uk-UA, en;q=0.8", "uk"),
        ("en-US, uk;q=0.5", "en"),
        ("en;q=0.3, uk-UA;q=0.9", "uk"),
        ("fr, EN-gb;q=0.2", "en"),
        ("en;q=0, *", "uk"),
    ],
)
def test_titles_are_ukrainian_unless_english_is_asked_for(stranger: Caller, accepts: str | None, language: str) -> None:
    reply = stranger.get("/summaries", headers={"Accept-Language": accepts} if accepts else {})
    assert reply.headers["Content-Language"] == language
    assert "Accept-Language" in reply.headers["Vary"]
    words = {"uk": "Потрібен чинний ключ", "en": "A valid key is needed"}
    assert reply.json["title"] == words[language]


def test_titles_are_english_on_request_where_people_are_not_asked_in_english(app: Flask, stranger: Caller) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], languages=("uk",))
    reply = stranger.get("/summaries", headers={"Accept-Language": "en"})
    assert reply.json["title"] == "A valid key is needed"


def test_a_refusal_names_the_request_as_the_proxy_did(stranger: Caller) -> None:
    given = str(uuid.uuid4())
    assert stranger.get("/summaries", headers={"X-Request-Id": given}).json["instance"] == given
    assert stranger.get("/summaries", headers={"X-Request-Id": "<script>"}).json["instance"] != "<script>"


def test_every_kind_of_refusal_is_explained_at_its_address(client: FlaskClient) -> None:
    assert set(EXPLANATIONS) == set(problem_types())
    for slug in EXPLANATIONS:
        ours, english = client.get(f"/problems/{slug}"), client.get(f"/problems/{slug}?lang=en")
        assert (ours.status_code, english.status_code) == (200, 200)
        assert '<html lang="uk">' in ours.text and '<html lang="en">' in english.text
        assert ours.text != english.text
    assert client.get("/problems/nothing").status_code == 404


def test_an_internal_error_shows_nothing_but_its_id(
    app: Flask, case_system: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("12-2026/000123")

    monkeypatch.setattr("feedback_service.flow.cases.register_cases", fail)
    app.testing = False
    reply = case_system.client.post(
        "/api/v1/cases", json=make_case(), headers={"Authorization": f"Bearer {case_system.key}"}
    )
    assert (reply.status_code, reply.mimetype) == (500, "application/problem+json")
    assert reply.get_json()["type"].endswith("/problems/error")
    assert "000123" not in reply.text


def test_responses_of_the_api_are_not_cached_framed_or_sniffed(stranger: Caller) -> None:
    headers = stranger.get("/openapi.json").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_json_replies_do_not_escape_letters(case_system: Caller, stranger: Caller) -> None:
    token = token_of(case_system.post("/cases", make_case()).json)
    assert "Реєстрація місця проживання" in stranger.get(f"/surveys/{token}").text


def test_anybody_may_ask_what_an_address_takes(client: FlaskClient) -> None:
    reply = client.options("/api/v1/cases")

    assert reply.status_code == 200
    assert set(reply.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
